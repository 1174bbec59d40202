// tillwire pause and tillwire resume: an operator holds the uplink back, and lets it go on.
#pragma once

#include <chrono>
#include <string>

#include "agent/cli/connection_options.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

class PauseCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  PauseCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  const ConnectionOptions& connection_;
  std::string operator_id_;
  std::string reason_;
  std::chrono::seconds duration_ = std::chrono::hours(1);
  bool json_ = false;
};

class ResumeCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  ResumeCommand(CommandLine& line, const ConnectionOptions& connection);

  [[nodiscard]] int Run() const override;

 private:
  const ConnectionOptions& connection_;
  bool json_ = false;
};

}  // namespace tillwire
