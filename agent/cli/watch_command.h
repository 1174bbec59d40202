// tillwire watch: a live view of the agent, in the whole terminal or line by line.
#pragma once

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class WatchCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  WatchCommand(CommandLine& line, const ConnectionOptions& connection);

  // Returns when a person or a signal ends it.
  [[nodiscard]] int Run() const override;

 private:
  const ConnectionOptions& connection_;
  bool plain_ = false;
  bool json_ = false;
};

}  // namespace tillwire
