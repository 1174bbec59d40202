// The command line of tillwire: its options and commands in one tree.
#pragma once

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class AgentCommandLine {
 public:
  AgentCommandLine();

  CommandLine& Line() { return line_; }
  // Runs the command that a parsed line has chosen; gives the program's exit code.
  [[nodiscard]] int Run() const;

 private:
  CommandLine line_;
  ConnectionOptions connection_;
  Commands commands_;
};

}  // namespace tillwire
