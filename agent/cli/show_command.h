// tillwire show EVENT: everything about one event.
#pragma once

#include <string>

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class ShowCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  ShowCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  const ConnectionOptions& connection_;
  std::string event_id_;
  bool json_ = false;
};

}  // namespace tillwire
