// A program on a terminal of its own, as a person would run it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace tillwire {

// One thread at a time. Throws std::system_error where there is no pseudo-terminal to be had.
class PseudoTerminal {
 public:
  PseudoTerminal(const std::string& program, const std::vector<std::string>& arguments, int columns = 80,
                 int rows = 24);
  // Kills the program if it still runs.
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  void Type(const std::string& text);
  void Resize(int columns, int rows);
  void Signal(int signal) const;
  // Reads until the text has come since the last successful wait.
  bool WaitFor(const std::string& text, std::chrono::milliseconds timeout = std::chrono::seconds(20));
  // Everything that the program has printed so far, escape sequences included.
  [[nodiscard]] const std::string& Output() const { return output_; }
  // Reads to the end; nothing if the program runs on.
  std::optional<ExitStatus> Finish(std::chrono::milliseconds timeout = std::chrono::seconds(20));
  // Whether the terminal echoes and edits lines, as a shell expects to find it.
  [[nodiscard]] bool IsCooked() const;

 private:
  // Takes in what comes within that time; false at the end.
  bool Read(std::chrono::milliseconds timeout);

  pid_t pid_ = 0;
  int terminal_ = -1;
  int slave_ = -1;  // kept open, so that its settings can be asked for after the program's end
  bool ended_ = false;
  std::string output_;
  std::size_t seen_ = 0;
};

}  // namespace tillwire
