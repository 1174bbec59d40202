// The command line of tillwire-ingestd: its options and commands in one tree.
#pragma once

#include <functional>
#include <string>

#include "platform/command_line/command_line.h"

namespace tillwire {

class IngestCommandLine {
 public:
  // `serve` runs the service by a configuration file; gives the program's exit code.
  explicit IngestCommandLine(std::function<int(const std::string& config_path)> serve);

  CommandLine& Line() { return line_; }
  // Runs the command that a parsed line has chosen; gives the program's exit code.
  [[nodiscard]] int Run() const;

 private:
  CommandLine line_;
  Commands commands_;
};

}  // namespace tillwire
