// tillwire-ingestd: the centre's ingestion service and its command line. The one place that knows which
// ledger, clock and randomness the service runs on.

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <string>

#include "ingest/cli/connection.h"
#include "ingest/cli/events_command.h"
#include "ingest/cli/status_command.h"
#include "ingest/config.h"
#include "ingest/ledger/sqlite_ledger.h"
#include "ingest/service/ingestion_service.h"
#include "ingest/service/operations_service.h"
#include "ingest/service/server.h"
#include "platform/logging.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"

namespace tillwire {
namespace {

constexpr auto kStopGrace = std::chrono::seconds(5);
// What happened in the stores is nobody's business outside the service's group.
constexpr mode_t kFileMask = 0027;

// Signals that ask the service to stop. They are blocked in all threads, and one thread waits for them.
class StopSignals {
 public:
  // Before any other thread starts: threads inherit the mask.
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  void Wait() {
    int received = 0;
    sigwait(&signals_, &received);
  }
  // Ends the wait from within. Any thread.
  static void Raise() { kill(getpid(), SIGTERM); }

 private:
  sigset_t signals_{};
};

int Serve(const std::string& config_path) {
  auto config = LoadIngestConfig(config_path);
  if (!config) {
    PrintError(config.error());
    return kExitBadInput;
  }
  if (auto logging = SetUpLogging(config->log_level); !logging) {
    PrintError(logging.error());
    return kExitBadInput;
  }
  umask(kFileMask);
  StopSignals signals;
  SystemClock clock;
  SystemRng rng;
  auto ledger = SqliteLedger::Open(config->ledger.path, rng);
  if (!ledger) {
    PrintError(ledger.error());
    return kExitFailed;
  }
  StreamRegistry streams;
  EntryFeed feed;
  GroupCommit commit(**ledger);
  std::atomic<bool> ledger_failed = false;
  IngestionService ingestion({**ledger, commit, streams, feed, clock,
                              [&ledger_failed] {
                                if (!ledger_failed.exchange(true)) StopSignals::Raise();
                              }},
                             {config->acceptance, config->stream, config->ledger.announce_backed_up});
  OperationsService operations({**ledger, commit, streams, feed, clock.WallNow()});
  auto server =
      Server::Start(config->listen.address, config->stream, {&ingestion.Grpc(), &operations.Grpc()});
  if (!server) {
    PrintError(server.error());
    return kExitFailed;
  }
  const int port = (*server)->Port();
  const std::string host = config->listen.address.substr(0, config->listen.address.rfind(':'));
  spdlog::info("ingest: ready address={}:{} port={}", host, port, port);
  signals.Wait();
  spdlog::info("ingest: stopping");
  ingestion.Stop();
  operations.Stop();
  (*server)->Shutdown(kStopGrace);
  commit.Stop();
  spdlog::info("ingest: stopped");
  return ledger_failed ? kExitFailed : kExitDone;
}

int Run(int argc, char** argv) {
  CLI::App app("The centre of Tillwire: takes in what the tills send, and shows it.", "tillwire-ingestd");
  app.set_version_flag("--version", std::string("tillwire-ingestd ") + TILLWIRE_VERSION);
  app.require_subcommand(1);

  std::string config_path = "/etc/tillwire/tillwire-ingestd.toml";
  auto* serve = app.add_subcommand("serve", "Run the service until SIGTERM");
  serve->add_option("--config", config_path, "Configuration file (TOML)")
      ->type_name("FILE")
      ->capture_default_str();

  EventsOptions events_options;
  auto* events = app.add_subcommand("events", "List what arrived, in the order of commit");
  events->add_flag("-f,--follow", events_options.follow, "Go on with what arrives, until interrupted");
  events->add_flag("--json", events_options.json, "One JSON object a line, with the event decoded");
  events->add_option("--after", events_options.after, "Begin after this position")->type_name("POSITION");
  events->add_option("--limit", events_options.limit, "End after so many; 0: no limit")->type_name("N");
  events->add_option("--store", events_options.store, "Only this store")->type_name("ID");
  events->add_option("--terminal", events_options.terminal, "Only this terminal")->type_name("ID");

  StatusOptions status_options;
  auto* status = app.add_subcommand("status", "Show what the running service's ledger holds");
  status->add_flag("--json", status_options.json, "As a JSON object");
  for (auto [command, server] :
       {std::pair(events, &events_options.server), {status, &status_options.server}}) {
    command->add_option("--server", *server, "The running service")
        ->type_name("HOST:PORT")
        ->capture_default_str();
  }
  app.footer("Exit codes: 0 done; 1 failed; 2 bad input; 3 no service answers.");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitBadInput;
  }
  if (*serve) return Serve(config_path);
  if (*events) return RunEvents(events_options);
  return RunStatus(status_options);
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  return tillwire::Run(argc, argv);
}
