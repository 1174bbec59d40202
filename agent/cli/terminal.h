// A terminal taken over for a live view, and given back as it was.
#pragma once

#include <termios.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/styled.h"

namespace tillwire {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// Whether standard output is a terminal that understands cursor movement.
bool HasScreen();
// Whether colours are welcome: not where NO_COLOR is set (https://no-color.org) or TERM is dumb.
bool WantsColours();

// While it lives, standard output shows the alternate screen without a cursor, and standard input, if it is a
// terminal, gives letter by letter without an echo. Only one at a time.
class FullScreen {
 public:
  FullScreen();
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  [[nodiscard]] static TerminalSize Size();
  // Shows these lines from the top and nothing else. What is there already is overwritten in one write, never
  // cleared before, so that nothing flickers; a frame like the last one writes nothing.
  void Draw(const std::vector<StyledLine>& lines);
  // Draws the next frame even if it is like the last one: after the terminal's size has changed.
  void Forget() { last_frame_.clear(); }

 private:
  const bool colours_;
  std::optional<termios> input_before_;
  std::string last_frame_;
};

}  // namespace tillwire
