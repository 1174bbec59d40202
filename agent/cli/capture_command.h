// tillwire cancel and tillwire clear-bin: one capture, and an outcome that a person or a script can act on.
#pragma once

#include <string>

#include "agent/cli/capture_flags.h"
#include "agent/cli/connection_options.h"
#include "agent/cli/exit_code.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

namespace v1 {
class CaptureEventRequest;
}  // namespace v1

class CaptureCommand final : public Command {
 public:
  // Both arguments must outlive the command.
  CaptureCommand(CommandLine& line, const ConnectionOptions& connection, CaptureKind kind);

  [[nodiscard]] int Run() const override { return Code(Capture()); }

 private:
  [[nodiscard]] ExitCode Capture() const;
  // The error in the terms of the input: a flag, or a field.
  [[nodiscard]] Error AsGiven(const Error& error) const;
  // The input as JSON, from flags or --json.
  [[nodiscard]] Result<std::string> Document() const;
  [[nodiscard]] Result<void> MakeRequest(v1::CaptureEventRequest& request) const;

  const ConnectionOptions& connection_;
  const CaptureKind kind_;
  CaptureFlags flags_;
  std::string json_input_;
  std::string key_;
  std::string output_;
  bool no_spool_ = false;
};

}  // namespace tillwire
