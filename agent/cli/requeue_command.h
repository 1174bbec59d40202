// tillwire requeue: sends a parked event again, or all that are parked for one reason.
#pragma once

#include <string>

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class AgentTransport;

class RequeueCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  RequeueCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  [[nodiscard]] int RequeueOne(AgentTransport& agent) const;
  [[nodiscard]] int RequeueAll(AgentTransport& agent) const;

  const ConnectionOptions& connection_;
  std::string event_id_;
  std::string reason_;
  bool json_ = false;
};

}  // namespace tillwire
