// tillwired as it is, but with eyes on its phases, and with a hand that can lose a capture on request: so
// that crash tests hit what they aim at, and the checks can be shown to notice a loss.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "agent/agent.h"
#include "agent/config.h"
#include "tests/crash/phase_file.h"

namespace tillwire {
namespace {

// Acknowledges one capture without storing it, and passes all else on.
class LosingStore final : public CaptureStore {
 public:
  LosingStore(CaptureStore& real, std::uint64_t lost_capture) : real_(real), lost_capture_(lost_capture) {}

  void Capture(CaptureInput input, std::function<void(Result<Captured>)> done) override {
    if (++captures_ != lost_capture_) {
      real_.Capture(std::move(input), std::move(done));
      return;
    }
    Captured captured;
    captured.event_id = input.event_id;
    done(captured);
  }
  void CaptureInOrder(std::vector<CaptureInput> inputs,
                      std::function<void(std::vector<Result<Captured>>)> done) override {
    real_.CaptureInOrder(std::move(inputs), std::move(done));
  }
  void Requeue(const Uuid& event_id, std::function<void(Result<Outbox::Requeued>)> done) override {
    real_.Requeue(event_id, std::move(done));
  }
  void RequeueAll(const std::string& reason,
                  std::function<void(Result<std::vector<Position>>)> done) override {
    real_.RequeueAll(reason, std::move(done));
  }
  void Release(const Uuid& event_id, const std::string& cause,
               std::function<void(Result<Outbox::Requeued>)> done) override {
    real_.Release(event_id, cause, std::move(done));
  }
  void SetPause(const std::optional<UplinkPause>& pause,
                std::function<void(Result<std::optional<UplinkPause>>)> done) override {
    real_.SetPause(pause, std::move(done));
  }
  void Examine(const Uuid& event_id, std::function<void(Result<Examined>)> done) override {
    real_.Examine(event_id, std::move(done));
  }
  void Find(const Uuid& event_id, std::function<void(Result<EventView>)> done) override {
    real_.Find(event_id, std::move(done));
  }
  void List(const EventQuery& query, std::function<void(Result<EventPage>)> done) override {
    real_.List(query, std::move(done));
  }
  void LookAt(const std::vector<Position>& events, std::function<void(Result<Look>)> done) override {
    real_.LookAt(events, std::move(done));
  }
  void Status(std::function<void(Result<OutboxStatus>)> done) override { real_.Status(std::move(done)); }

 private:
  CaptureStore& real_;
  const std::uint64_t lost_capture_;
  std::atomic<std::uint64_t> captures_ = 0;
};

int Main(int argc, char** argv) {
  CLI::App app("tillwired with a probe, for tests");
  std::string config_path;
  std::string phase_path;
  std::uint64_t lost_capture = 0;
  app.add_option("--config", config_path, "As tillwired's")->required();
  app.add_option("--phase-file", phase_path, "Maps this file and notes the phases in it");
  app.add_option("--lose-capture", lost_capture,
                 "Acknowledges this capture, counted from 1, without storing it");
  CLI11_PARSE(app, argc, argv);

  const Result<AgentConfig> config = LoadAgentConfig(config_path);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().Text().c_str());
    return 1;
  }
  AgentSeams seams;
  std::unique_ptr<PhaseFile> phases;
  if (!phase_path.empty()) {
    phases = std::make_unique<PhaseFile>(phase_path);
    seams.phase_probe = [&phases](AgentPhase phase) { phases->Enter(PhaseNumber(phase)); };
  }
  if (lost_capture != 0) {
    seams.wrap_capture_store = [lost_capture](CaptureStore& real) -> std::unique_ptr<CaptureStore> {
      return std::make_unique<LosingStore>(real, lost_capture);
    };
  }
  return RunAgent(*config, seams);
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  return tillwire::Main(argc, argv);
}
