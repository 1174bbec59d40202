// tillwire release EVENT: gives a parked event up for good.
#pragma once

#include <string>

#include "agent/cli/connection_options.h"
#include "core/result.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class AgentTransport;

class ReleaseCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  ReleaseCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  // Asks at the terminal, unless told not to. kFailedPrecondition if the answer is no.
  [[nodiscard]] Result<void> Confirm(AgentTransport& agent, const std::string& id) const;

  const ConnectionOptions& connection_;
  std::string event_id_;
  std::string operator_id_;
  std::string reason_;
  bool yes_ = false;
  bool json_ = false;
};

}  // namespace tillwire
