#include "agent/cli/app.h"

#include "agent/cli/capture_command.h"
#include "agent/cli/events_command.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/explain_command.h"
#include "agent/cli/export_command.h"
#include "agent/cli/pause_command.h"
#include "agent/cli/release_command.h"
#include "agent/cli/requeue_command.h"
#include "agent/cli/show_command.h"
#include "agent/cli/status_command.h"
#include "agent/cli/verify_command.h"
#include "agent/cli/watch_command.h"
#include "agent/config.h"
#include "platform/command_line/completion.h"
#include "platform/command_line/config_check.h"
#include "platform/command_line/option_types.h"

namespace tillwire {
namespace {

ProgramText Text() {
  ProgramText text;
  text.command.name = "tillwire";
  text.command.summary =
      "Records at the till what the order management system must learn, and shows how the "
      "agent is";
  text.command.description =
      "Every command but export, verify, config and completion talks to tillwired, the agent on this "
      "terminal, through its socket.";
  text.command.exit_statuses = {
      {Code(ExitCode::kDone), "done"},
      {Code(ExitCode::kRefused), "refused, or not found"},
      {Code(ExitCode::kBadInput), "bad input; the message names it, and the remedy"},
      {Code(ExitCode::kNotRecorded),
       "nothing was done, or recorded: the agent is not running, or can't store"},
      {Code(ExitCode::kUnknown), "unknown; repeat a capture with the same --idempotency-key"}};
  text.environment = {{"NO_COLOR", "If set to anything, tillwire watch uses no colours."}};
  text.files = {{kDefaultSocket, "The agent's socket."},
                {kDefaultSpool, "Captures that wait for the agent; docs/spool-format.md."},
                {"/etc/tillwire/tillwired.toml", "The agent's configuration."}};
  text.see_also = {"tillwired(8)", "tillwire-ingestd(8)"};
  return text;
}

}  // namespace

AgentCommandLine::AgentCommandLine() : line_(Text()) {
  CommandLine::RequireCommand(line_.Root());
  line_.Root()
      .add_option("--socket", connection_.socket, "The agent's socket")
      ->type_name("SOCKET")
      ->envname("TILLWIRE_SOCKET")
      ->capture_default_str();
  line_.Root()
      .add_option(
          "--spool", connection_.spool,
          std::string("The agent's spool, into which captures go while it is down: spool.directory of its "
                      "configuration. If not given, ") +
              kDefaultSpool + " with the default socket, and none with another")
      ->type_name("DIR")
      ->envname("TILLWIRE_SPOOL");
  AddSeconds(line_.Root(), "--timeout", connection_.timeout_seconds, 0.1, 600,
             "How long to wait for the agent's answer");
  commands_.push_back(std::make_unique<CaptureCommand>(line_, connection_, CaptureKind::kCancellation));
  commands_.push_back(std::make_unique<CaptureCommand>(line_, connection_, CaptureKind::kBinClear));
  commands_.push_back(std::make_unique<StatusCommand>(line_, connection_));
  commands_.push_back(std::make_unique<WatchCommand>(line_, connection_));
  commands_.push_back(std::make_unique<EventsCommand>(line_, connection_));
  commands_.push_back(std::make_unique<ShowCommand>(line_, connection_));
  commands_.push_back(std::make_unique<ExplainCommand>(line_, connection_));
  commands_.push_back(std::make_unique<RequeueCommand>(line_, connection_));
  commands_.push_back(std::make_unique<ReleaseCommand>(line_, connection_));
  commands_.push_back(std::make_unique<PauseCommand>(line_, connection_));
  commands_.push_back(std::make_unique<ResumeCommand>(line_, connection_));
  commands_.push_back(std::make_unique<ExportCommand>(line_, connection_));
  commands_.push_back(std::make_unique<VerifyCommand>(line_));
  commands_.push_back(std::make_unique<ConfigCheckCommand>(line_, "tillwired", "/etc/tillwire/tillwired.toml",
                                                           InspectAgentConfig));
  commands_.push_back(std::make_unique<CompletionCommand>(line_));
}

int AgentCommandLine::Run() const {
  return RunChosen(commands_).value_or(Code(ExitCode::kBadInput));
}

}  // namespace tillwire
