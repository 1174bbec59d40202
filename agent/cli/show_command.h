// tillwire show EVENT: everything about one event.
#pragma once

#include <string>

#include "agent/cli/connection_options.h"
#include "core/result.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class AgentTransport;

class ShowCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  ShowCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  // Where no agent answers (null), or it does not have the event; `error` says which.
  [[nodiscard]] int ShowFromSpool(AgentTransport* agent, const Error& error) const;

  const ConnectionOptions& connection_;
  std::string event_id_;
  bool json_ = false;
};

}  // namespace tillwire
