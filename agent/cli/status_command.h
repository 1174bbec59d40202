// tillwire status: how the agent is, for a shift leader (text) and for programs (JSON).
#pragma once

#include <CLI/CLI.hpp>

#include "agent/cli/connection_options.h"
#include "agent/cli/exit_code.h"

namespace tillwire {

class StatusCommand {
 public:
  // Both arguments must outlive the command.
  StatusCommand(CLI::App& app, const ConnectionOptions& connection);

  [[nodiscard]] bool Chosen() const { return command_.parsed(); }
  [[nodiscard]] ExitCode Run() const;

 private:
  const ConnectionOptions& connection_;
  CLI::App& command_;
  bool json_ = false;
};

}  // namespace tillwire
