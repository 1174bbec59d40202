#include "tests/support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "tests/support/temp_directory.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

void Check(int error_number, const std::string& what) {
  if (error_number != 0) {
    throw std::system_error(error_number, std::generic_category(), what);
  }
}

// What a child finds in place when it starts.
class SpawnActions {
 public:
  SpawnActions() { Check(posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init"); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  void Open(int descriptor, const std::filesystem::path& path, int flags) {
    Check(posix_spawn_file_actions_addopen(&actions_, descriptor, path.c_str(), flags, 0600), path.string());
  }
  void ChangeDirectory(const std::filesystem::path& path) {
    Check(posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()), path.string());
  }
  // Nothing else of this process's: an inherited listening socket would go on listening in the child.
  void CloseFrom(int descriptor) {
    Check(posix_spawn_file_actions_addclosefrom_np(&actions_, descriptor), "posix_spawn closefrom");
  }
  [[nodiscard]] const posix_spawn_file_actions_t* Get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::vector<std::string> Environment(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  for (const auto& [name, value] : added) {
    entries.push_back(name + "=" + value);
  }
  return entries;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) {
    pointers.push_back(string.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

ExitStatus Translate(int raw) {
  ExitStatus status;
  if (WIFSIGNALED(raw)) {
    status.signal = WTERMSIG(raw);
  } else {
    status.code = WEXITSTATUS(raw);
  }
  return status;
}

}  // namespace

Process Process::Start(const ProcessOptions& options) {
  SpawnActions actions;
  actions.Open(0, options.input, O_RDONLY);
  actions.Open(1, options.output, O_WRONLY | O_CREAT | O_APPEND);
  actions.Open(2, options.errors, O_WRONLY | O_CREAT | O_APPEND);
  if (!options.directory.empty()) {
    actions.ChangeDirectory(options.directory);
  }
  actions.CloseFrom(3);
  std::vector<std::string> arguments = options.launcher;
  arguments.push_back(options.program.string());
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = Environment(options.environment);
  pid_t pid = 0;
  Check(posix_spawnp(&pid, arguments.front().c_str(), actions.Get(), nullptr, Pointers(arguments).data(),
                     Pointers(environment).data()),
        "cannot start " + options.program.string());
  return Process(pid);
}

Process Process::StartTethered(ProcessOptions options) {
  // Between fork and exec of a process with threads only little is allowed; setpriv does it after the exec.
  const std::vector<std::string> tether = {"setpriv", "--pdeathsig", "KILL"};
  options.launcher.insert(options.launcher.begin(), tether.begin(), tether.end());
  return Start(options);
}

Process::~Process() {
  Kill();
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), status_(std::exchange(other.status_, std::nullopt)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Kill();
    pid_ = std::exchange(other.pid_, 0);
    status_ = std::exchange(other.status_, std::nullopt);
  }
  return *this;
}

bool Process::Running() {
  return !Wait(std::chrono::milliseconds(0)).has_value();
}

void Process::Signal(int signal) {
  if (pid_ != 0 && !status_) {
    kill(pid_, signal);
  }
}

void Process::Kill() {
  if (pid_ == 0 || status_) {
    return;
  }
  kill(pid_, SIGKILL);
  int raw = 0;
  while (waitpid(pid_, &raw, 0) == -1 && errno == EINTR) {
  }
  status_ = Translate(raw);
}

std::optional<ExitStatus> Process::Stop(std::chrono::milliseconds timeout) {
  Signal(SIGTERM);
  return Wait(timeout);
}

std::optional<ExitStatus> Process::Wait(std::chrono::milliseconds timeout) {
  const auto ended = [this] {
    int raw = 0;
    if (!status_ && pid_ != 0 && waitpid(pid_, &raw, WNOHANG) == pid_) {
      status_ = Translate(raw);
    }
    return status_.has_value();
  };
  WaitUntil(timeout, ended, std::chrono::milliseconds(2));
  return status_;
}

CommandOutcome RunCommand(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                          const std::string& input, std::chrono::milliseconds timeout,
                          const std::filesystem::path& directory) {
  const TempDirectory files;
  ProcessOptions options;
  options.program = program;
  options.arguments = arguments;
  options.input = files.Path() / "input";
  options.output = files.Path() / "output";
  options.errors = files.Path() / "errors";
  options.directory = directory;
  WriteWholeFile(options.input, input);
  Process process = Process::Start(options);
  const std::optional<ExitStatus> status = process.Wait(timeout);
  CommandOutcome outcome;
  outcome.output = ReadWholeFile(options.output);
  outcome.errors = ReadWholeFile(options.errors);
  if (!status) {
    throw std::runtime_error(program.string() + " did not end in time; it wrote:\n" + outcome.output +
                             outcome.errors);
  }
  outcome.status = *status;
  return outcome;
}

std::string ReadWholeFile(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void WriteWholeFile(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

}  // namespace tillwire
