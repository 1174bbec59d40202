// tillwire-ingestd: the centre's ingestion service and its command line. The one place that knows which
// ledger, clock and randomness the service runs on.

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>

#include "ingest/cli/app.h"
#include "ingest/cli/connection.h"
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
  auto server = Server::Start(config->listen, config->stream, {&ingestion.Grpc(), &operations.Grpc()});
  if (!server) {
    PrintError(server.error());
    return kExitFailed;
  }
  const auto chosen = [](const std::string& address, int port) {
    return address.empty() ? "off" : address.substr(0, address.rfind(':') + 1) + std::to_string(port);
  };
  spdlog::info("ingest: ready address={} port={} tls_address={}",
               chosen(config->listen.address, (*server)->Port()), (*server)->Port(),
               chosen(config->listen.tls_address, (*server)->TlsPort()));
  signals.Wait();
  spdlog::info("ingest: stopping");
  ingestion.Stop();
  operations.Stop();
  (*server)->Shutdown(kStopGrace);
  commit.Stop();
  spdlog::info("ingest: stopped");
  return ledger_failed ? kExitFailed : kExitDone;
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  tillwire::IngestCommandLine app(tillwire::Serve);
  if (const auto done = app.Line().Parse(argc, argv)) return *done;
  return app.Run();
}
