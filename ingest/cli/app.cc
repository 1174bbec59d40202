#include "ingest/cli/app.h"

#include <utility>

#include "ingest/cli/connection.h"
#include "ingest/cli/events_command.h"
#include "ingest/cli/export_key_command.h"
#include "ingest/cli/import_command.h"
#include "ingest/cli/status_command.h"
#include "ingest/cli/terminals_command.h"
#include "platform/command_line/completion.h"

namespace tillwire {
namespace {

constexpr const char* kConfigFile = "/etc/tillwire/tillwire-ingestd.toml";

ProgramText Text() {
  ProgramText text;
  text.command.name = "tillwire-ingestd";
  text.command.summary = "The centre of Tillwire: takes in what the tills send, and shows it";
  text.command.description =
      "serve runs the service. Every other command that needs the ledger asks the running service: only that "
      "one "
      "opens the file.";
  text.command.exit_statuses = {{kExitDone, "done"},
                                {kExitFailed, "failed, or stopped in the middle"},
                                {kExitBadInput, "bad input"},
                                {kExitUnreachable, "no service answers"},
                                {kExitIncomplete, "done, and some of it needs a person (import)"}};
  text.section = 8;
  text.files = {{kConfigFile, "The configuration."},
                {"/var/lib/tillwire-ingest/ledger.db", "The ledger, with its lock and log beside it."}};
  text.see_also = {"tillwired(8)", "tillwire(1)"};
  return text;
}

class ServeCommand final : public Command {
 public:
  ServeCommand(CommandLine& line, std::function<int(const std::string&)> serve)
      : Command(line.Add({"serve",
                          "Run the service until SIGTERM",
                          "It logs to standard error.",
                          {{kExitDone, "stopped cleanly"},
                           {kExitFailed, "could not start, or the ledger failed"},
                           {kExitBadInput, "bad input, or a wrong configuration"}},
                          {{"", "tillwire-ingestd serve --config /etc/tillwire/tillwire-ingestd.toml"}}})),
        serve_(std::move(serve)) {
    App()
        .add_option("--config", config_path_, "Configuration file (TOML)")
        ->type_name("FILE")
        ->capture_default_str();
  }

  [[nodiscard]] int Run() const override { return serve_(config_path_); }

 private:
  const std::function<int(const std::string&)> serve_;
  std::string config_path_ = kConfigFile;
};

}  // namespace

IngestCommandLine::IngestCommandLine(std::function<int(const std::string& config_path)> serve,
                                     InspectConfig inspect)
    : line_(Text()) {
  CommandLine::RequireCommand(line_.Root());
  commands_.push_back(std::make_unique<ServeCommand>(line_, std::move(serve)));
  commands_.push_back(std::make_unique<EventsCommand>(line_));
  commands_.push_back(std::make_unique<StatusCommand>(line_));
  commands_.push_back(std::make_unique<TerminalsCommand>(line_));
  commands_.push_back(std::make_unique<ImportCommand>(line_));
  commands_.push_back(std::make_unique<ExportKeyCommand>(line_));
  commands_.push_back(
      std::make_unique<ConfigCheckCommand>(line_, "this service", kConfigFile, std::move(inspect)));
  commands_.push_back(std::make_unique<CompletionCommand>(line_));
}

int IngestCommandLine::Run() const {
  return RunChosen(commands_).value_or(kExitBadInput);
}

}  // namespace tillwire
