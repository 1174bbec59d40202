// tillwire: the agent's command line.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "agent/cli/capture_command.h"
#include "agent/cli/connection_options.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/requeue_command.h"
#include "agent/cli/status_command.h"
#include "core/nearest_name.h"

namespace tillwire {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 refused or not found; 2 bad input; 3 not recorded; 4 unknown, repeat with the "
    "same key";

// Adds to CLI11's message which known word was probably meant.
ExitCode ReportUsageError(const CLI::App& app, const CLI::ParseError& error) {
  std::vector<std::string> known;
  for (const auto* command : app.get_subcommands(nullptr)) known.push_back(command->get_name());
  for (const auto* chosen : app.get_subcommands()) {
    for (const auto* option : chosen->get_options()) known.push_back(option->get_name());
  }
  std::string message = error.what();
  for (const auto& word : app.remaining(true)) {
    const std::string name = word.substr(0, word.find('='));
    const std::string nearest = NearestName(name, known);
    message = name + " is not known here" + (nearest.empty() ? "" : "; did you mean " + nearest + "?");
    if (name.starts_with('-') || !nearest.empty()) break;
  }
  std::cerr << "tillwire: " << message << "\nSee: tillwire --help\n";
  return ExitCode::kBadInput;
}

int Run(int argc, char** argv) {
  CLI::App app("Records at the till what the order management system must learn, and shows how the agent is.",
               "tillwire");
  app.set_version_flag("--version", std::string("tillwire ") + TILLWIRE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kFooter);
  ConnectionOptions connection;
  app.add_option("--socket", connection.socket, "The agent's socket")
      ->envname("TILLWIRE_SOCKET")
      ->capture_default_str();
  app.add_option("--timeout", connection.timeout_seconds, "Seconds to wait for the agent's answer")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  const CaptureCommand cancel(app, connection, CaptureKind::kCancellation);
  const CaptureCommand clear_bin(app, connection, CaptureKind::kBinClear);
  const StatusCommand status(app, connection);
  const RequeueCommand requeue(app, connection);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(ReportUsageError(app, error));
  }
  ExitCode code = ExitCode::kDone;
  if (cancel.Chosen()) {
    code = cancel.Run();
  } else if (clear_bin.Chosen()) {
    code = clear_bin.Run();
  } else if (status.Chosen()) {
    code = status.Run();
  } else {
    code = requeue.Run();
  }
  return static_cast<int>(code);
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  try {
    return tillwire::Run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tillwire: " << error.what() << "\n";
    return static_cast<int>(tillwire::ExitCode::kUnknown);
  }
}
