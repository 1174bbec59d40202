#include "tests/e2e/agent_program.h"

#include <sstream>
#include <stdexcept>

#include "tests/support/wait.h"

namespace tillwire {
namespace {

constexpr std::chrono::seconds kStartTimeout{30};  // a busy disk can stall a sync for many seconds
constexpr std::chrono::seconds kStopTimeout{10};

std::string Quoted(const std::string& text) {
  return '"' + text + '"';
}

std::string MakeConfig(const AgentSettings& settings, const std::filesystem::path& outbox,
                       const std::filesystem::path& socket) {
  std::ostringstream config;
  config << "[terminal]\n"
         << "store_id = " << Quoted(settings.store_id) << "\n"
         << "terminal_id = " << Quoted(settings.terminal_id) << "\n"
         << "machine_id_file = " << Quoted((settings.directory / "machine-id").string()) << "\n"
         << "[outbox]\n"
         << "directory = " << Quoted(outbox.string()) << "\n";
  for (const std::string& line : settings.outbox_lines) config << line << "\n";
  config << "[capture]\n"
         << "socket = " << Quoted(socket.string()) << "\n"
         << "[uplink]\n"
         << "server = " << Quoted(settings.server_host + ":" + std::to_string(settings.server_port)) << "\n"
         << "backoff_base = " << Quoted(settings.backoff_base) << "\n"
         << "backoff_cap = " << Quoted(settings.backoff_cap) << "\n";
  for (const std::string& line : settings.uplink_lines) config << line << "\n";
  config << "[metrics]\n"
         << "listen = " << Quoted(settings.metrics_listen) << "\n"
         << "[log]\n"
         << "format = " << Quoted(settings.log_format) << "\n";
  return config.str();
}

}  // namespace

AgentProgram::AgentProgram(AgentSettings settings) : settings_(std::move(settings)) {
  std::filesystem::create_directories(settings_.directory);
}

void AgentProgram::Launch() {
  WriteWholeFile(settings_.directory / "machine-id", settings_.machine_id + "\n");
  WriteWholeFile(ConfigFile(), MakeConfig(settings_, OutboxDirectory(), Socket()));
  ++starts_;
  ProcessOptions options;
  options.program = settings_.program;
  options.arguments = {"--config", ConfigFile().string()};
  options.arguments.insert(options.arguments.end(), settings_.arguments.begin(), settings_.arguments.end());
  options.environment = settings_.environment;
  options.launcher = settings_.launcher;
  options.errors = settings_.directory / ("agent-" + std::to_string(starts_) + ".log");
  process_.emplace(Process::StartTethered(options));
}

void AgentProgram::Start() {
  Launch();
  const bool answered = WaitUntil(kStartTimeout, [this] {
    return !process_->Running() || Client().Status(std::chrono::seconds(1)).ok();
  });
  if (!answered || !process_->Running()) {
    throw std::runtime_error("tillwired did not come up; it logged:\n" + Log());
  }
}

std::optional<ExitStatus> AgentProgram::StartAndWait(std::chrono::milliseconds timeout) {
  Launch();
  return process_->Wait(timeout);
}

void AgentProgram::Kill() {
  process_->Kill();
}

ExitStatus AgentProgram::Stop() {
  client_.reset();  // an idle connection would keep the agent waiting for its grace
  const std::optional<ExitStatus> status = process_->Stop(kStopTimeout);
  if (!status) {
    throw std::runtime_error("tillwired did not stop on SIGTERM; it logged:\n" + Log());
  }
  return *status;
}

std::string AgentProgram::Log() const {
  return ReadWholeFile(settings_.directory / ("agent-" + std::to_string(starts_) + ".log"));
}

CaptureClient& AgentProgram::Client() {
  if (!client_) {
    client_ = std::make_unique<CaptureClient>(Socket());
  }
  return *client_;
}

v1::GetAgentStatusResponse AgentProgram::Status() {
  Result<v1::GetAgentStatusResponse> status = Client().Status();
  if (!status) {
    throw std::runtime_error("tillwired does not answer: " + status.error().Text() + "; it logged:\n" +
                             Log());
  }
  return *status;
}

bool AgentProgram::WaitForStatus(std::chrono::milliseconds timeout,
                                 const std::function<bool(const v1::GetAgentStatusResponse&)>& condition) {
  return WaitUntil(
      timeout,
      [&] {
        const Result<v1::GetAgentStatusResponse> status = Client().Status();
        return status.ok() && condition(*status);
      },
      std::chrono::milliseconds(10));
}

bool AgentProgram::WaitUntilDrained(std::chrono::milliseconds timeout) {
  return WaitForStatus(timeout, [](const auto& status) { return status.outbox().pending() == 0; });
}

bool AgentProgram::WaitUntilConnected(std::chrono::milliseconds timeout) {
  return WaitForStatus(timeout, [](const auto& status) {
    return status.connection().state() == v1::CONNECTION_STATE_CONNECTED;
  });
}

CommandOutcome AgentProgram::RunCli(std::vector<std::string> arguments, const std::string& input) {
  arguments.push_back("--socket");
  arguments.push_back(Socket().string());
  return RunCommand(kTillwireProgram, arguments, input);
}

}  // namespace tillwire
