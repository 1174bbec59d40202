// Shell completion: commands, options, their values where they are known, and files where a file is meant.
#pragma once

#include <string>
#include <vector>

#include "platform/command_line/command_line.h"

namespace tillwire {

// The shells that there is a script for.
const std::vector<std::string>& CompletionShells();

// The script to source, or to install where the shell looks for it; empty for a shell that is not listed.
std::string CompletionScript(const ProgramModel& program, const std::string& shell);

// PROGRAM completion SHELL: prints the script.
class CompletionCommand final : public Command {
 public:
  // `line` must outlive the command.
  explicit CompletionCommand(CommandLine& line);

  [[nodiscard]] int Run() const override;

 private:
  const CommandLine& line_;
  std::string shell_;
};

}  // namespace tillwire
