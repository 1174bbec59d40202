// tillwire verify: whether the outbox of a stopped agent is sound, and where it is not.
#pragma once

#include <string>

#include "platform/command_line/command_line.h"

namespace tillwire {

class VerifyCommand final : public Command {
 public:
  // `line` must outlive the command.
  explicit VerifyCommand(CommandLine& line);

  [[nodiscard]] int Run() const override;

 private:
  std::string directory_ = "/var/lib/tillwire";
  bool json_ = false;
};

}  // namespace tillwire
