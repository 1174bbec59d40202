// tillwire-ingestd terminals: what the centre knows of each terminal, and what is wrong with it.
#pragma once

#include <string>

#include "platform/command_line/command_line.h"

namespace tillwire {

class TerminalsCommand final : public Command {
 public:
  explicit TerminalsCommand(CommandLine& line);

  // Prints to standard output; gives the exit code (cli/connection.h).
  [[nodiscard]] int Run() const override;

 private:
  std::string server_;
  std::string terminal_;  // with its details, if not empty
  std::string store_;
  std::string flag_;
  bool json_ = false;
};

}  // namespace tillwire
