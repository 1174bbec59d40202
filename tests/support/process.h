// A real program, started and ended by a test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tillwire {

struct ProcessOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's own
  std::filesystem::path input = "/dev/null";
  std::filesystem::path output = "/dev/null";  // appended to
  std::filesystem::path errors = "/dev/null";  // appended to
  std::filesystem::path directory;             // to run in; empty for this process's own
  std::vector<std::string> launcher;  // what starts the program, in its own place: {"nsenter", "--net=..."}
};

struct ExitStatus {
  int code = 0;    // of a program that ended by itself
  int signal = 0;  // that ended it, else 0
  [[nodiscard]] bool Clean() const { return code == 0 && signal == 0; }
};

// One child process. Used by one thread at a time.
class Process {
 public:
  // Throws std::system_error if the program cannot be started.
  static Process Start(const ProcessOptions& options);
  // Likewise, but the program is killed too when the calling thread ends in whatever way, so that a daemon
  // does not outlive a test that was killed. A program that can't be started ends with code 127.
  static Process StartTethered(ProcessOptions options);
  // Kills what still runs.
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  [[nodiscard]] pid_t Pid() const { return pid_; }
  [[nodiscard]] bool Running();
  void Signal(int signal);
  // SIGKILL; returns when the process is gone.
  void Kill();
  // SIGTERM and Wait. Nothing if it did not end in time.
  std::optional<ExitStatus> Stop(std::chrono::milliseconds timeout);
  // Nothing if the process runs on after that time.
  std::optional<ExitStatus> Wait(std::chrono::milliseconds timeout);

 private:
  explicit Process(pid_t pid) : pid_(pid) {}

  pid_t pid_ = 0;  // 0 once moved from
  std::optional<ExitStatus> status_;
};

// How a command ended, and what it wrote.
struct CommandOutcome {
  ExitStatus status;
  std::string output;
  std::string errors;
};

// Runs a command to its end, `input` on its standard input. Throws std::runtime_error, after killing it, if
// that takes longer than `timeout`. Any thread may call.
CommandOutcome RunCommand(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                          const std::string& input = {},
                          std::chrono::milliseconds timeout = std::chrono::seconds(60),
                          const std::filesystem::path& directory = {});

// A whole file; empty if it can't be read.
std::string ReadWholeFile(const std::filesystem::path& path);
void WriteWholeFile(const std::filesystem::path& path, const std::string& content);

}  // namespace tillwire
