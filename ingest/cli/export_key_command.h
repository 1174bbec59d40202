// tillwire-ingestd export-key create: the centre's pair of keys for export files.
#pragma once

#include <string>

#include "platform/command_line/command_line.h"

namespace tillwire {

class ExportKeyCommand final : public Command {
 public:
  explicit ExportKeyCommand(CommandLine& line);

  // Gives the exit code (cli/connection.h).
  [[nodiscard]] int Run() const override;

 private:
  std::string private_;
  std::string public_;
};

}  // namespace tillwire
