// The uplink at work: a real outbox with its storage thread, real time, and a transport without a network.
#include "agent/uplink/uplink.h"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "platform/system_clock.h"
#include "storage/group_commit.h"
#include "tests/fakes/fake_transport.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

// A centre that has nothing and accepts everything.
void AcceptAll(FakeTransport& transport, const ToCentre& message, asio::io_context& io) {
  const auto deliver = [&](ToAgent answer) {
    asio::post(io, [&transport, answer] { transport.Deliver(answer); });
  };
  if (std::holds_alternative<Hello>(message)) deliver(Welcome{});
  if (const auto* batch = std::get_if<EventBatch>(&message)) {
    BatchResult result{batch->batch_id, {}};
    for (const Record& record : batch->records) {
      RecordResult accepted;
      accepted.sequence = record.id.sequence;
      accepted.disposition = Disposition::kAccepted;
      result.results.push_back(accepted);
    }
    deliver(result);
  }
}

TEST_CASE("captures from other threads reach the centre, and the status says how things stand") {
  OutboxHarness harness;
  harness.Open();
  asio::io_context io;
  const SystemClock clock;
  FakeTransport transport(
      [&](FakeTransport& self, const ToCentre& message) { AcceptAll(self, message, io); });
  CommitMetrics commits;
  UplinkMetrics metrics;
  int progress = 0;
  OutboxWorker worker(*harness.outbox, clock, commits,
                      [](Transactional& store) { return std::make_unique<GroupCommit>(store); }, {});
  std::vector<AgentPhase> phases;
  Uplink uplink(io, worker, transport, clock, harness.rng, {}, "centre:7400", metrics,
                {[&] { ++progress; }, {}, [&](AgentPhase phase) { phases.push_back(phase); }});
  CHECK(uplink.Status().state == UplinkState::kWaiting);
  uplink.Start();

  constexpr int kCaptures = 200;
  std::thread till([&] {
    for (int i = 0; i < kCaptures; ++i) {
      worker.Capture(harness.Input("order:" + std::to_string(i % 7), std::to_string(i)),
                     [&](const Result<Captured>& captured) {
                       CHECK(captured.ok());
                       uplink.NotifyCaptured();
                     });
    }
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::uint64_t delivered = 0;
  // The uplink counts what was delivered after the outbox has noted it.
  while ((delivered < kCaptures || metrics.delivered.Value() < kCaptures) &&
         std::chrono::steady_clock::now() < deadline) {
    io.restart();
    io.run_for(std::chrono::milliseconds(5));
    std::promise<std::uint64_t> answer;
    worker.Status([&](const Result<OutboxStatus>& status) { answer.set_value(status.value().delivered); });
    delivered = answer.get_future().get();
  }
  till.join();
  CHECK(delivered == kCaptures);
  const UplinkStatus status = uplink.Status();
  CHECK(status.state == UplinkState::kConnected);
  CHECK(status.server == "centre:7400");
  CHECK(status.connected_since);
  CHECK(status.last_error.empty());
  CHECK(std::count(phases.begin(), phases.end(), AgentPhase::kSending) > 0);
  CHECK(std::count(phases.begin(), phases.end(), AgentPhase::kMarking) > 0);
  CHECK(progress > 0);
  CHECK(metrics.delivered.Value() == kCaptures);
  CHECK(metrics.connects.Value() == 1);
  CHECK(metrics.delivery_seconds.Read().at_most.back() > 0);
  CHECK(commits.records.Read().sum == kCaptures);
  CHECK(commits.seconds.Read().at_most.back() == commits.records.Read().at_most.back());
  CHECK(metrics.failures[UplinkProblem::kUnreachable].Value() == 0);

  transport.End({UplinkProblem::kUnreachable, "the cable was pulled", "plug it in"});
  const UplinkStatus cut = uplink.Status();
  CHECK(cut.state == UplinkState::kWaiting);
  CHECK(cut.last_error == "the cable was pulled");
  CHECK(metrics.failures[UplinkProblem::kUnreachable].Value() == 1);
  CHECK(cut.remedy == "plug it in");
  CHECK(cut.next_attempt);
  CHECK_FALSE(cut.connected_since);
  uplink.Stop();
  worker.Stop();
}

}  // namespace
}  // namespace tillwire
