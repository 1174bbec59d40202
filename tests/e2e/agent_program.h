// The real tillwired, in a directory of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "tests/e2e/programs.h"
#include "tests/support/capture_client.h"
#include "tests/support/process.h"

namespace tillwire {

struct AgentSettings {
  std::filesystem::path directory;         // for everything of this agent; created
  std::filesystem::path outbox_directory;  // empty: "outbox" in that
  std::string server_host = "127.0.0.1";
  std::uint16_t server_port = 0;
  std::string store_id = "0042";
  std::string terminal_id = "till-3";
  std::string machine_id = "3f8e2f0c5d0e4f6b9a7c1d2e3f405162";
  std::vector<std::string> outbox_lines;  // more lines for [outbox] of the configuration
  std::vector<std::string> uplink_lines;  // likewise for [uplink]
  std::string backoff_base = "50ms";
  std::string backoff_cap = "400ms";
  std::string metrics_listen;  // "127.0.0.1:0" serves them, on a port that the system chooses
  std::string log_format = "text";
  std::filesystem::path program = kTillwiredProgram;
  std::vector<std::string> arguments;  // beside --config
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> launcher;  // as in ProcessOptions
};

// Throws std::runtime_error, with the program's log, where it does not do as it should. One thread at a time.
class AgentProgram {
 public:
  explicit AgentProgram(AgentSettings settings);

  // Returns when the socket answers.
  void Start();
  // Only starts it: it may end by itself. Returns how, or nothing if it is still running after `timeout`.
  std::optional<ExitStatus> StartAndWait(std::chrono::milliseconds timeout);
  // SIGKILL.
  void Kill();
  // SIGTERM; it must end within 10 s.
  ExitStatus Stop();

  // For the next start.
  AgentSettings& Settings() { return settings_; }
  [[nodiscard]] std::filesystem::path OutboxDirectory() const {
    return settings_.outbox_directory.empty() ? settings_.directory / "outbox" : settings_.outbox_directory;
  }
  [[nodiscard]] std::filesystem::path Socket() const { return settings_.directory / "capture.sock"; }
  [[nodiscard]] std::filesystem::path ConfigFile() const { return settings_.directory / "tillwired.toml"; }
  [[nodiscard]] pid_t Pid() const { return process_->Pid(); }
  [[nodiscard]] bool Running() { return process_ && process_->Running(); }
  // What it logged since its last start.
  [[nodiscard]] std::string Log() const;

  // Valid until Stop().
  CaptureClient& Client();
  // The socket must answer.
  v1::GetAgentStatusResponse Status();
  // Waits until the status says what is asked.
  bool WaitForStatus(std::chrono::milliseconds timeout,
                     const std::function<bool(const v1::GetAgentStatusResponse&)>& condition);
  // Nothing pending any more, parked events apart.
  bool WaitUntilDrained(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  bool WaitUntilConnected(std::chrono::milliseconds timeout = std::chrono::seconds(30));

  // The tillwire command on this agent's socket.
  CommandOutcome RunCli(std::vector<std::string> arguments, const std::string& input = {});

 private:
  void Launch();

  AgentSettings settings_;
  int starts_ = 0;
  std::optional<Process> process_;
  std::unique_ptr<CaptureClient> client_;
};

}  // namespace tillwire
