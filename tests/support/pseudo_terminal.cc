#include "tests/support/pseudo_terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace tillwire {
namespace {

using std::chrono::steady_clock;

std::chrono::milliseconds Until(steady_clock::time_point end) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()),
                  std::chrono::milliseconds(0));
}

}  // namespace

PseudoTerminal::PseudoTerminal(const std::string& program, const std::vector<std::string>& arguments,
                               int columns, int rows) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
  if (openpty(&terminal_, &slave_, nullptr, nullptr, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "openpty");
  }
  fcntl(terminal_, F_SETFD, FD_CLOEXEC);
  pid_ = fork();
  if (pid_ == 0) {
    setenv("TERM", "xterm-256color", 1);
    unsetenv("NO_COLOR");
    login_tty(slave_);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
}

PseudoTerminal::~PseudoTerminal() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(slave_);
  close(terminal_);
}

void PseudoTerminal::Type(const std::string& text) {
  if (write(terminal_, text.data(), text.size()) < 0) {
    throw std::system_error(errno, std::generic_category(), "write");
  }
}

void PseudoTerminal::Resize(int columns, int rows) {
  const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
  ioctl(terminal_, TIOCSWINSZ, &size);
}

void PseudoTerminal::Signal(int signal) const {
  kill(pid_, signal);
}

bool PseudoTerminal::Read(std::chrono::milliseconds timeout) {
  pollfd source = {terminal_, POLLIN, 0};
  if (poll(&source, 1, static_cast<int>(timeout.count())) <= 0) return true;
  std::array<char, 65536> buffer{};
  const ssize_t count = read(terminal_, buffer.data(), buffer.size());
  if (count <= 0) return false;
  output_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

bool PseudoTerminal::WaitFor(const std::string& text, std::chrono::milliseconds timeout) {
  const auto end = steady_clock::now() + timeout;
  while (true) {
    if (const auto at = output_.find(text, seen_); at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    const auto left = Until(end);
    if (left.count() == 0 || !Read(left)) return false;
  }
}

std::optional<ExitStatus> PseudoTerminal::Finish(std::chrono::milliseconds timeout) {
  const auto end = steady_clock::now() + timeout;
  while (!ended_ && Until(end).count() > 0) {
    // The terminal stays open on this side, so the program's end shows by its status alone.
    Read(std::min(Until(end), std::chrono::milliseconds(20)));
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) continue;
    ended_ = true;
    while (poll(nullptr, 0, 0) == 0) {
      const std::size_t before = output_.size();
      Read(std::chrono::milliseconds(0));
      if (output_.size() == before) break;
    }
    return WIFEXITED(status) ? ExitStatus{WEXITSTATUS(status), 0} : ExitStatus{0, WTERMSIG(status)};
  }
  return std::nullopt;
}

bool PseudoTerminal::IsCooked() const {
  termios settings{};
  if (tcgetattr(slave_, &settings) != 0) return false;
  return (settings.c_lflag & (ICANON | ECHO)) == static_cast<tcflag_t>(ICANON | ECHO);
}

}  // namespace tillwire
