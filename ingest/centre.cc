#include "ingest/centre.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>

#include "ingest/ledger/sqlite_ledger.h"
#include "ingest/metrics_page.h"
#include "ingest/oversight/register_keeper.h"
#include "ingest/oversight/terminal_register.h"
#include "ingest/service/ingestion_service.h"
#include "ingest/service/operations_service.h"
#include "ingest/service/server.h"
#include "platform/metrics_server.h"
#include "platform/service_reporter.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"
#include "storage/timed_store.h"

namespace tillwire {
namespace {

constexpr auto kStopGrace = std::chrono::seconds(5);
// What happened in the stores is nobody's business outside the service's group.
constexpr mode_t kFileMask = 0027;

// Has the ledger's statistics read on the commit thread.
BoundedQuestion<LedgerStatistics>::Ask AskLedger(Ledger& ledger, GroupCommit& commit) {
  return [&](std::function<void(Result<LedgerStatistics>)> done) {
    auto statistics = std::make_shared<LedgerStatistics>();
    commit.Submit({[&ledger, statistics] { *statistics = ledger.Transaction().Statistics(); },
                   [statistics, done = std::move(done)](const Result<void>& committed) {
                     done(committed ? Result<LedgerStatistics>(*statistics) : committed.error());
                   }});
  };
}

// "127.0.0.1:7400" with the port that was taken.
std::string Chosen(const std::string& address, int port) {
  return address.empty() ? "off" : address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

ServiceSources ReporterSources(const ListenConfig& listen, const Server& server,
                               const StreamRegistry& streams, GroupCommit& commit) {
  std::string address = listen.address.empty() ? "" : Chosen(listen.address, server.Port());
  if (!listen.tls_address.empty()) {
    address += (address.empty() ? "" : " and ") + Chosen(listen.tls_address, server.TlsPort());
  }
  ServiceSources sources;
  sources.describe = [&streams, address](const std::function<void(std::string)>& done) {
    done("serving on " + address + "; agents connected: " + std::to_string(streams.OpenStreams()));
  };
  sources.prove_alive = [&commit](std::function<void()> alive) {
    commit.Submit({[] {},
                   [alive = std::move(alive)](const Result<void>& committed) {
                     if (committed) alive();
                   }});
  };
  return sources;
}

// Before anything else uses the ledger.
Result<void> LoadRegister(Ledger& ledger, TerminalRegister& terminals) {
  try {
    ledger.Begin();
    terminals.Load(ledger.Transaction());
    ledger.Rollback();
  } catch (const StorageFault& fault) {
    return fault.error();
  }
  return {};
}

CommitProbe CommitProbeFrom(const CentreProbe& probe) {
  if (!probe) return {};
  return [probe](CommitPhase phase) {
    probe(phase == CommitPhase::kBeforeCommit ? CentrePhase::kBeforeCommit : CentrePhase::kInCommit);
  };
}

IngestionOptions StreamOptions(const IngestConfig& config) {
  IngestionOptions options;
  options.rules = config.acceptance;
  options.limits = config.stream;
  options.backed_up = config.ledger.announce_backed_up;
  options.write_timeout = config.stream_bounds.write_timeout;
  options.max_streams = config.stream_bounds.max_streams;
  return options;
}

}  // namespace

Result<void> RunCentre(const IngestConfig& config, const CentreSeams& seams) {
  umask(kFileMask);
  SystemClock clock;
  SystemRng rng;
  auto ledger = SqliteLedger::Open(config.ledger.path, rng);
  if (!ledger) return ledger.error();
  StreamRegistry streams;
  TerminalRegister terminals(config.terminals, clock.WallNow());
  if (auto loaded = LoadRegister(**ledger, terminals); !loaded) return loaded.error();
  EntryFeed feed;
  asio::io_context io(1);
  ServiceReporter reporter(io, ServiceNotifier::FromEnvironment());
  CentreMetrics metrics;
  TimedStore timed_ledger(**ledger, clock, metrics.commits);
  GroupCommit commit(timed_ledger, GroupCommit::kDefaultMaxGroup, CommitProbeFrom(seams.phase_probe));
  std::atomic<bool> ledger_failed = false;
  const auto end_failed = [&] {
    if (!ledger_failed.exchange(true)) io.stop();
  };
  IngestionService ingestion({**ledger, commit, streams, terminals, feed, clock, end_failed, timed_ledger,
                              metrics.ingestion, [&reporter] { reporter.Touch(); }, seams.phase_probe},
                             StreamOptions(config));
  OperationsService operations({**ledger, commit, streams, terminals, feed, clock.WallNow(), clock,
                                end_failed, timed_ledger, metrics.ingestion, config.acceptance,
                                config.stream});
  RegisterKeeper keeper(io, **ledger, commit, clock, terminals);
  keeper.Start();
  auto server = Server::Start(config.listen, config.stream, {&ingestion.Grpc(), &operations.Grpc()});
  if (!server) return server.error();
  spdlog::info("ingest: ready address={} port={} tls_address={}",
               Chosen(config.listen.address, (*server)->Port()), (*server)->Port(),
               Chosen(config.listen.tls_address, (*server)->TlsPort()));
  CentreMetricsPage page(metrics, AskLedger(**ledger, commit), clock,
                         {TILLWIRE_VERSION, [&streams] { return streams.OpenStreams(); },
                          [&] { return terminals.CountFlags(clock.WallNow()); }});
  const auto metrics_server = StartMetricsServer(
      config.metrics, {[&page] { return page.Metrics(); }, [&page] { return page.Health(); }});
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](const asio::error_code& error, int /*signal*/) {
    if (!error) io.stop();
  });
  reporter.Ready(ReporterSources(config.listen, **server, streams, commit));
  io.run();
  spdlog::info("ingest: stopping");
  reporter.Stopping();
  ingestion.Stop();
  operations.Stop();
  (*server)->Shutdown(kStopGrace);
  keeper.Finish();
  commit.Stop();
  spdlog::info("ingest: stopped");
  if (ledger_failed) {
    return Error{ErrorCode::kUnavailable, "the ledger's disk failed",
                 "see to the disk; started again, the service verifies what it has"};
  }
  return {};
}

}  // namespace tillwire
