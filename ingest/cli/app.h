// The command line of tillwire-ingestd: its options and commands in one tree.
#pragma once

#include <functional>
#include <string>

#include "platform/command_line/command_line.h"
#include "platform/command_line/config_check.h"

namespace tillwire {

class IngestCommandLine {
 public:
  // `serve` runs the service by a configuration file, and gives the program's exit code; `inspect` looks at
  // such a file.
  IngestCommandLine(std::function<int(const std::string& config_path)> serve, InspectConfig inspect);

  CommandLine& Line() { return line_; }
  // Runs the command that a parsed line has chosen; gives the program's exit code.
  [[nodiscard]] int Run() const;

 private:
  CommandLine line_;
  Commands commands_;
};

}  // namespace tillwire
