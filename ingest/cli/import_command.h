// tillwire-ingestd import: what a terminal could not send, from the files that tillwire export has written,
// into the running service.
#pragma once

#include <string>
#include <vector>

#include "platform/command_line/command_line.h"

namespace tillwire {

class ImportCommand final : public Command {
 public:
  explicit ImportCommand(CommandLine& line);

  // Gives the exit code (cli/connection.h).
  [[nodiscard]] int Run() const override;

 private:
  std::vector<std::string> files_;
  std::string key_;
  std::string server_;
  bool check_ = false;
  bool json_ = false;
};

}  // namespace tillwire
