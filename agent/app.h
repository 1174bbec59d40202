// The command line of tillwired.
#pragma once

#include <optional>
#include <string>

#include "platform/command_line/command_line.h"

namespace tillwire {

class AgentDaemonLine {
 public:
  AgentDaemonLine();

  CommandLine& Line() { return line_; }
  // Runs the command that a parsed line has chosen. Nothing if it chose none: then the agent shall run.
  [[nodiscard]] std::optional<int> RunCommand() const { return RunChosen(commands_); }
  [[nodiscard]] const std::string& ConfigPath() const { return config_path_; }

 private:
  CommandLine line_;
  std::string config_path_;
  Commands commands_;
};

}  // namespace tillwire
