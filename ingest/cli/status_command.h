// tillwire-ingestd status: what the running service's ledger holds.
#pragma once

#include <string>

#include "platform/command_line/command_line.h"

namespace tillwire {

class StatusCommand final : public Command {
 public:
  explicit StatusCommand(CommandLine& line);

  // Prints to standard output; gives the exit code (cli/connection.h).
  [[nodiscard]] int Run() const override;

 private:
  std::string server_;
  bool json_ = false;
};

}  // namespace tillwire
