// tillwire export: what a stopped agent still has for the centre, onto a file to be carried there.
#pragma once

#include <string>

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class ExportCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  ExportCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  // Where captures wait that no agent has taken: as given, or beside the outbox's files.
  [[nodiscard]] std::string SpoolFolder() const;

  const ConnectionOptions& connection_;
  std::string directory_ = "/var/lib/tillwire";
  std::string file_;
  std::string key_;
  bool json_ = false;
};

}  // namespace tillwire
