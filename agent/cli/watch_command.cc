#include "agent/cli/watch_command.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <mutex>
#include <system_error>
#include <utility>

#include "agent/cli/agent_transport.h"
#include "agent/cli/agent_watcher.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/terminal.h"
#include "agent/cli/watch_screen.h"
#include "agent/cli/words.h"
#include "platform/system_clock.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

// Ages and the clock move on without any update.
constexpr int kRedrawMilliseconds = 1000;
constexpr std::uint64_t kEventsAtStart = 50;
constexpr char kEscape = 0x1B;

// The signals that end a watch or change its terminal, as something to poll. Made before any other thread,
// which inherits the mask.
class Signals {
 public:
  Signals() {
    sigset_t set{};
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    descriptor_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Signals() {
    close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  [[nodiscard]] int Descriptor() const { return descriptor_; }
  // The next signal that has come; 0 if none has.
  [[nodiscard]] int Next() const {
    signalfd_siginfo info{};
    return read(descriptor_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  int descriptor_ = -1;
  sigset_t before_{};
};

// What the watcher's thread has to tell the one that draws.
class Wakeup {
 public:
  Wakeup() {
    if (pipe(ends_.data()) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  }
  ~Wakeup() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  [[nodiscard]] int Descriptor() const { return ends_[0]; }
  // Any thread. One byte is under way at most, so that the pipe never fills.
  void Set() {
    if (pending_.exchange(true)) return;
    const char byte = 0;
    [[maybe_unused]] const auto written = write(ends_[1], &byte, 1);
  }
  void Clear() {
    char byte = 0;
    [[maybe_unused]] const auto taken = read(ends_[0], &byte, 1);
    pending_ = false;
  }

 private:
  std::array<int, 2> ends_{};
  std::atomic<bool> pending_ = false;
};

// Events from before the watch, so that the screen is not empty at first.
void AddEarlierEvents(const ConnectionOptions& connection, WatchScreen& screen) {
  auto agent = AgentTransport::Connect(connection.socket, connection.Timeout());
  if (!agent) return;  // the watcher says so
  v1::ListEventsRequest request;
  request.set_newest_first(true);
  request.set_limit(kEventsAtStart);
  [[maybe_unused]] const auto listed = agent->ListEvents(request, [&screen](const v1::OutboxEvent& event) {
    screen.AddEvent(event);
    return true;
  });
}

// Whether what was typed asks to quit: q, or Escape alone.
bool AsksToQuit() {
  std::array<char, 64> typed{};
  const ssize_t count = read(STDIN_FILENO, typed.data(), typed.size());
  for (ssize_t i = 0; i < count; ++i) {
    if (typed.at(static_cast<std::size_t>(i)) == 'q' || typed.at(static_cast<std::size_t>(i)) == 'Q')
      return true;
  }
  return count == 1 && typed[0] == kEscape;
}

void WatchOnScreen(const ConnectionOptions& connection) {
  const Signals signals;
  Wakeup wakeup;
  std::mutex mutex;
  WatchScreen screen;
  AddEarlierEvents(connection, screen);
  const AgentWatcher watcher(connection, {[&](const v1::WatchEventsResponse& update) {
                                            const std::lock_guard lock(mutex);
                                            screen.Apply(update);
                                            wakeup.Set();
                                          },
                                          [&](const Error& error) {
                                            const std::lock_guard lock(mutex);
                                            screen.SetDown(error, SystemClock().WallNow());
                                            wakeup.Set();
                                          }});
  FullScreen terminal;
  const bool has_keys = isatty(STDIN_FILENO) != 0;
  std::array<pollfd, 3> sources = {{{signals.Descriptor(), POLLIN, 0},
                                    {wakeup.Descriptor(), POLLIN, 0},
                                    {has_keys ? STDIN_FILENO : -1, POLLIN, 0}}};
  while (true) {
    {
      const std::lock_guard lock(mutex);
      terminal.Draw(screen.Lines(FullScreen::Size(), SystemClock().WallNow()));
    }
    poll(sources.data(), sources.size(), kRedrawMilliseconds);
    while (const int signal = signals.Next()) {
      if (signal != SIGWINCH) return;
      terminal.Forget();
    }
    if ((sources[1].revents & POLLIN) != 0) wakeup.Clear();
    if ((sources[2].revents & (POLLIN | POLLHUP)) != 0 && AsksToQuit()) return;
    if ((sources[2].revents & POLLHUP) != 0) return;
  }
}

// A line for each change, until interrupted.
void WatchInLines(const ConnectionOptions& connection, bool as_json) {
  const Signals signals;
  WatchScreen screen;
  std::string last;
  const auto print = [](const std::string& text) {
    const WallTime now = SystemClock().WallNow();
    std::cout << TimeInWords(now, now) << "  " << text << std::endl;
  };
  const auto on_update = [&](const v1::WatchEventsResponse& update) {
    if (as_json) {
      std::cout << ToJson(update, JsonLayout::kOneLine) << std::endl;
      return;
    }
    screen.Apply(update);
    if (update.has_event()) print(EventInALine(update.event()));
    if (update.skipped_events() > 0) print(Counted(update.skipped_events(), "event") + " changed at once");
    if (const auto summary = screen.Summary(); summary != last) print(last = summary);
  };
  const auto on_down = [&](const Error& error) {
    screen.SetDown(error, SystemClock().WallNow());
    if (const auto summary = screen.Summary(); summary != last) {
      last = summary;
      if (as_json) {
        std::cerr << summary << std::endl;
      } else {
        print(summary);
      }
    }
  };
  const AgentWatcher watcher(connection, {on_update, on_down});
  pollfd source = {signals.Descriptor(), POLLIN, 0};
  int signal = 0;
  while (signal == 0 || signal == SIGWINCH) {
    poll(&source, 1, -1);
    signal = signals.Next();
  }
}

CommandText Text() {
  return {"watch",
          "Show live how the agent is and what happens, until q or Ctrl-C",
          "It takes the whole terminal; where standard output is none, or with --plain, it prints a line for "
          "each "
          "change. While the agent is down it says so, and goes on when the agent is back. Colours only "
          "repeat what "
          "words say; NO_COLOR turns them off.",
          {{Code(ExitCode::kDone), "ended by q or a signal"}, {Code(ExitCode::kBadInput), "bad input"}},
          {{"", "tillwire watch"}, {"For a screen of your own", "tillwire watch --json"}}};
}

}  // namespace

WatchCommand::WatchCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  auto* plain = App().add_flag("--plain", plain_, "Print lines, also in a terminal");
  App()
      .add_flag("--json", json_,
                "Print each change as a JSON object in a line (tillwire.v1.WatchEventsResponse)")
      ->excludes(plain);
}

int WatchCommand::Run() const {
  if (json_ || plain_ || !HasScreen()) {
    WatchInLines(connection_, json_);
  } else {
    WatchOnScreen(connection_);
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
