// tillwire requeue EVENT: sends a parked event again.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "agent/cli/connection_options.h"
#include "agent/cli/exit_code.h"

namespace tillwire {

class RequeueCommand {
 public:
  // Both arguments must outlive the command.
  RequeueCommand(CLI::App& app, const ConnectionOptions& connection);

  [[nodiscard]] bool Chosen() const { return command_.parsed(); }
  [[nodiscard]] ExitCode Run() const;

 private:
  const ConnectionOptions& connection_;
  CLI::App& command_;
  std::string event_id_;
};

}  // namespace tillwire
