// tillwire cancel and tillwire clear-bin: one capture, and an outcome that a person or a script can act on.
#pragma once

#include <string>

#include "agent/cli/capture_flags.h"
#include "agent/cli/connection_options.h"
#include "agent/cli/exit_code.h"

namespace tillwire {

namespace v1 {
class CaptureEventRequest;
}  // namespace v1

class CaptureCommand {
 public:
  // Adds the command to `app`; both arguments must outlive it. Run() is for when the command line named it.
  CaptureCommand(CLI::App& app, const ConnectionOptions& connection, CaptureKind kind);

  [[nodiscard]] bool Chosen() const { return command_.parsed(); }
  [[nodiscard]] ExitCode Run() const;

 private:
  // The input as JSON, from flags or --json.
  [[nodiscard]] Result<std::string> Document() const;
  [[nodiscard]] Result<void> MakeRequest(v1::CaptureEventRequest& request) const;

  const ConnectionOptions& connection_;
  const CaptureKind kind_;
  CLI::App& command_;
  CaptureFlags flags_;
  std::string json_input_;
  std::string key_;
  std::string output_;
};

}  // namespace tillwire
