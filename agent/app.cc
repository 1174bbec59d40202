#include "agent/app.h"

#include "platform/command_line/completion.h"

namespace tillwire {
namespace {

constexpr const char* kConfigFile = "/etc/tillwire/tillwired.toml";

ProgramText Text() {
  ProgramText text;
  text.command.name = "tillwired";
  text.command.summary = "The agent of Tillwire on a store terminal";
  text.command.description =
      "It captures order cancellations and staging-bin clears on this terminal, keeps them on disk, and "
      "writes "
      "them back to the centre through any outage. It logs to standard error, without what the events hold. "
      "Stop "
      "it with SIGTERM.\n\n"
      "Nothing that was acknowledged to a caller is lost by stopping or killing it.";
  text.command.exit_statuses = {{0, "stopped cleanly"},
                                {1, "could not start, or its disk failed"},
                                {kExitUsage, "bad input, or a wrong configuration"}};
  text.command.examples = {{"", "tillwired --config /etc/tillwire/tillwired.toml"}};
  text.section = 8;
  text.files = {{kConfigFile, "The configuration."},
                {"/var/lib/tillwire", "The outbox: events that wait, and those delivered of late."},
                {"/run/tillwire/capture.sock", "The socket for the POS application and tillwire(1)."}};
  text.see_also = {"tillwire(1)", "tillwire-ingestd(8)"};
  return text;
}

}  // namespace

AgentDaemonLine::AgentDaemonLine() : line_(Text()), config_path_(kConfigFile) {
  line_.Root()
      .add_option("--config", config_path_, "Configuration file (TOML)")
      ->type_name("FILE")
      ->capture_default_str();
  commands_.push_back(std::make_unique<CompletionCommand>(line_));
}

}  // namespace tillwire
