#include "agent/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tillwire {
namespace {

constexpr const char* kEnter = "\x1B[?1049h\x1B[?25l";
constexpr const char* kLeave = "\x1B[?25h\x1B[?1049l";
constexpr const char* kHome = "\x1B[H";
constexpr const char* kClearToLineEnd = "\x1B[K";
constexpr const char* kClearBelow = "\x1B[J";

bool IsDumb() {
  const char* terminal = std::getenv("TERM");
  return terminal == nullptr || *terminal == '\0' || std::strcmp(terminal, "dumb") == 0;
}

void WriteAll(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the terminal is gone; the signal for that comes by itself
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

bool HasScreen() {
  return isatty(STDOUT_FILENO) != 0 && !IsDumb();
}

bool WantsColours() {
  const char* no_colour = std::getenv("NO_COLOR");
  return (no_colour == nullptr || *no_colour == '\0') && !IsDumb();
}

FullScreen::FullScreen() : colours_(WantsColours()) {
  termios settings{};
  if (tcgetattr(STDIN_FILENO, &settings) == 0) {
    input_before_ = settings;
    // ISIG stays: Ctrl-C is a signal like any other. Ctrl-Z would leave the alternate screen behind.
    settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    settings.c_cc[VSUSP] = _POSIX_VDISABLE;
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &settings);
  }
  WriteAll(kEnter);
}

FullScreen::~FullScreen() {
  WriteAll(kLeave);
  if (input_before_) tcsetattr(STDIN_FILENO, TCSANOW, &*input_before_);
}

TerminalSize FullScreen::Size() {
  winsize window{};
  TerminalSize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) {
    size.columns = window.ws_col;
    size.rows = window.ws_row;
  }
  return size;
}

void FullScreen::Draw(const std::vector<StyledLine>& lines) {
  const TerminalSize size = Size();
  std::string frame = kHome;
  const std::size_t count = std::min(lines.size(), size.rows);
  for (std::size_t i = 0; i < count; ++i) {
    frame += ToTerminal(lines[i], size.columns, colours_) + kClearToLineEnd;
    // A line's end behind the last row would scroll.
    if (i + 1 < count) frame += "\r\n";
  }
  if (count < size.rows) frame += kClearBelow;
  if (frame == last_frame_) return;
  WriteAll(frame);
  last_frame_ = std::move(frame);
}

}  // namespace tillwire
