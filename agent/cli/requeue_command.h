// tillwire requeue EVENT: sends a parked event again.
#pragma once

#include <string>

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class RequeueCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  RequeueCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  const ConnectionOptions& connection_;
  std::string event_id_;
};

}  // namespace tillwire
