// tillwire status: how the agent is, for a shift leader (text) and for programs (JSON).
#pragma once

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class StatusCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  StatusCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  const ConnectionOptions& connection_;
  bool json_ = false;
};

}  // namespace tillwire
