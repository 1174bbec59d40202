#include "agent/agent.h"

#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <utility>

#include "agent/capture/capture_gate.h"
#include "agent/capture/capture_intake.h"
#include "agent/capture/capture_server.h"
#include "agent/capture/capture_service.h"
#include "agent/change_feed.h"
#include "agent/mark_thread.h"
#include "agent/metrics_page.h"
#include "agent/outbox_worker.h"
#include "agent/spool/spool_importer.h"
#include "agent/status_line.h"
#include "agent/uplink/grpc_transport.h"
#include "agent/uplink/link_watch.h"
#include "agent/uplink/uplink.h"
#include "core/epoch.h"
#include "platform/logging.h"
#include "platform/metrics_server.h"
#include "platform/service_reporter.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"
#include "storage/group_commit.h"
#include "storage/outbox.h"

namespace tillwire {
namespace {

// For calls under way, which take a commit each. A client that only keeps its connection open is not waited
// for longer.
constexpr std::chrono::seconds kShutdownGrace{1};
// What an associate did is nobody's business outside the service's group.
constexpr mode_t kFileMask = 0027;
// glibc gives each thread an arena of its own; gRPC's many threads would hold memory for nothing.
constexpr int kMaxArenas = 2;

OutboxOptions OutboxOptionsFrom(const AgentConfig& config) {
  OutboxOptions options;
  options.directory = config.outbox.directory;
  options.store_id = config.store_id;
  options.terminal_id = config.terminal_id;
  options.machine_id = ReadMachineId(config.machine_id_file);
  options.max_bytes = config.outbox.max_bytes;
  options.reserve_bytes = config.outbox.reserve_bytes;
  options.delivered_retention =
      std::chrono::duration_cast<std::chrono::hours>(config.outbox.delivered_retention);
  options.delivered_max_bytes = config.outbox.delivered_max_bytes;
  options.idempotency_retention =
      std::chrono::duration_cast<std::chrono::hours>(config.outbox.idempotency_retention);
  return options;
}

UplinkOptions UplinkOptionsFrom(const AgentConfig& config, const Uuid& instance_id) {
  UplinkOptions options;
  options.store_id = config.store_id;
  options.terminal_id = config.terminal_id;
  options.agent_version = TILLWIRE_VERSION;
  options.instance_id = instance_id;
  options.limits.max_batch_records = static_cast<std::uint32_t>(config.uplink.batch_records);
  options.limits.max_batch_bytes = static_cast<std::uint32_t>(config.uplink.batch_bytes);
  options.limits.window_batches = static_cast<std::uint32_t>(config.uplink.window_batches);
  options.backoff_base = config.uplink.backoff_base;
  options.backoff_cap = config.uplink.backoff_cap;
  options.answer_timeout = config.uplink.answer_timeout;
  return options;
}

CommitProbe CommitProbeFrom(const PhaseProbe& probe) {
  if (!probe) return {};
  return [probe](CommitPhase phase) {
    probe(phase == CommitPhase::kBeforeCommit ? AgentPhase::kBeforeCommit : AgentPhase::kInCommit);
  };
}

OutboxWorker::MakeQueue OnStorageThread(const PhaseProbe& probe) {
  return [probe](Transactional& store) {
    return std::make_unique<GroupCommit>(store, GroupCommit::kDefaultMaxGroup, CommitProbeFrom(probe));
  };
}

// Says what was found at opening: how much waits, and whatever a person should know.
void LogOpened(Outbox& outbox, const AgentConfig& config, WallTime opening_since) {
  if (const auto& trouble = outbox.Trouble()) {
    spdlog::error("outbox: captures are refused reason=\"{}\" remedy=\"{}\"", trouble->message,
                  trouble->hint);
    return;
  }
  const OutboxStatus status = outbox.Status();
  spdlog::info("outbox: opened directory={} pending={} parked={} lost={} epoch={} last_sequence={}",
               config.outbox.directory, status.pending, status.parked, status.lost, EpochName(status.epoch),
               status.last_sequence);
  for (const Incident& incident : status.incidents) {
    if (incident.time >= opening_since) spdlog::warn("outbox: {}", incident.text);
  }
}

ServiceSources ReporterSources(OutboxWorker& worker, Uplink& uplink) {
  ServiceSources sources;
  sources.describe = [&](std::function<void(std::string)> done) {
    worker.Status([&uplink, done = std::move(done)](const Result<OutboxStatus>& outbox) {
      done(StatusLine(uplink.Status(), outbox));
    });
  };
  sources.prove_alive = [&](std::function<void()> alive) {
    worker.Ask<bool>([](Outbox&) { return true; },
                     [alive = std::move(alive)](const Result<bool>& answered) {
                       if (answered) alive();
                     });
  };
  return sources;
}

}  // namespace

int RunAgent(const AgentConfig& config, const AgentSeams& seams) {
  mallopt(M_ARENA_MAX, kMaxArenas);
  umask(kFileMask);
  std::signal(SIGPIPE, SIG_IGN);
  if (auto logging = SetUpLogging(config.log_level, config.log_format); !logging) {
    spdlog::critical("agent: {}", logging.error().Text());
    return 1;
  }
  const SystemClock clock;
  SystemRng rng;
  const WallTime opening_since = clock.WallNow();
  const OutboxOptions outbox_options = OutboxOptionsFrom(config);
  if (outbox_options.machine_id.empty()) {
    spdlog::warn(
        "agent: no machine id in terminal.machine_id_file={}: a copied outbox is found at the centre only",
        config.machine_id_file);
  }
  auto opened = Outbox::Open(outbox_options, clock, rng);
  if (!opened) {
    spdlog::critical("agent: {}", opened.error().Text());
    return 1;
  }
  LogOpened(**opened, config, opening_since);

  asio::io_context io(1);
  ChangeFeed changes;
  const auto publish = [&changes](const std::vector<Position>& events) { changes.Publish(events); };
  AgentMetrics metrics;
  std::atomic<Uplink*> uplink_of_worker = nullptr;  // that is made after the worker, which it uses
  MarkThread mark(**opened);
  OutboxWorker::Notices notices;
  notices.reopened = [&uplink_of_worker] {
    if (Uplink* const told = uplink_of_worker) told->NotifyReopened();
  };
  notices.changed = publish;
  notices.no_room = [&uplink_of_worker] {
    if (Uplink* const told = uplink_of_worker) told->NotifyRoomWanted();
  };
  notices.mark_written = [&mark] { mark.NoteWritten(); };
  OutboxWorker worker(**opened, clock, metrics.commits, OnStorageThread(seams.phase_probe), notices);
  std::unique_ptr<CaptureStore> wrapped;
  if (seams.wrap_capture_store) wrapped = seams.wrap_capture_store(worker);
  CaptureStore& store = wrapped ? *wrapped : worker;

  GrpcTransport transport(io, {config.uplink.server, config.uplink.tls, config.uplink.ca_file,
                               config.uplink.keepalive_time, config.uplink.keepalive_timeout});
  UuidGenerator instances(rng);
  ServiceReporter reporter(io, ServiceNotifier::FromEnvironment());
  std::function<SpoolCounts()> spool_counts;
  Uplink uplink(io, worker, transport, clock, rng, UplinkOptionsFrom(config, instances.Make(clock.WallNow())),
                config.uplink.server, metrics.uplink,
                {[&changes] { changes.Publish({}); }, publish, seams.phase_probe},
                {[&spool_counts] { return spool_counts(); }, clock.BootNow()});

  CaptureServiceOptions service_options;
  service_options.store_id = config.store_id;
  service_options.terminal_id = config.terminal_id;
  service_options.agent_version = TILLWIRE_VERSION;
  service_options.on_captured = [&uplink] { uplink.NotifyCaptured(); };
  service_options.uplink.status = [&uplink] { return uplink.Status(); };
  service_options.uplink.describe = [&uplink](Position position) { return uplink.Describe(position); };
  service_options.uplink.requeued = [&uplink](Position position) { uplink.NotifyRequeued(position); };
  service_options.uplink.released = [&uplink] { uplink.NotifyReleased(); };
  service_options.uplink.paused = [&uplink](const auto& pause) { uplink.NotifyPause(pause); };
  service_options.probe = seams.phase_probe;
  CaptureIntake intake(clock, rng, {config.store_id, config.terminal_id, ReadBootId()});
  CaptureGate gate(store);
  std::unique_ptr<CaptureServer> server;
  SpoolImporterOptions spool_options;
  spool_options.directory = config.spool.directory;
  spool_options.owner = {config.store_id, config.terminal_id};
  spool_options.on_captured = [&](EventSource source) {
    metrics.capture.captured[source].Add();
    uplink.NotifyCaptured();
  };
  spool_options.on_open = [&server] { server->SetServing(); };
  spool_options.on_changed = [&changes] { changes.Publish({}); };
  SpoolImporter spool(store, intake, gate, std::move(spool_options));
  spool_counts = [&spool] {
    const SpoolStatus status = spool.Status();
    return SpoolCounts{status.waiting, status.bad.total};
  };
  service_options.spool_status = [&spool] { return spool.Status(); };
  CaptureService service(store, gate, changes, clock, intake, metrics.capture, std::move(service_options));
  auto listening = CaptureServer::Start(config.socket, service);
  if (!listening) {
    spdlog::critical("agent: {}", listening.error().Text());
    return 1;
  }
  server = std::move(*listening);
  spdlog::info("agent: ready version={} store={} terminal={} socket={}", TILLWIRE_VERSION, config.store_id,
               config.terminal_id, config.socket);

  AgentMetricsPage page(
      metrics, store, clock,
      {TILLWIRE_VERSION, [&uplink] { return uplink.Status(); }, [&spool] { return spool.Status(); }});
  const auto metrics_server = StartMetricsServer(
      config.metrics, {[&page] { return page.Metrics(); }, [&page] { return page.Health(); }});

  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](const asio::error_code& error, int signal) {
    if (error) return;
    spdlog::info("agent: stopping signal={}", signal);
    io.stop();
  });
  // Only now: a command that still finds no agent writes into the spool, and its file is found.
  spool.Start();
  const auto subscription = changes.Subscribe([&reporter](const auto&) { reporter.Touch(); });
  uplink_of_worker = &uplink;
  uplink.Start();
  const LinkWatch links(io, [&uplink] { uplink.OnLinkUp(); });
  reporter.Ready(ReporterSources(worker, uplink));
  io.run();

  reporter.Stopping();
  changes.Unsubscribe(subscription);
  // Captures under way get their answers first; what they stored is sent by the next run.
  gate.Stop();
  spool.Stop();
  service.StopStreams();
  server->Shutdown(kShutdownGrace);
  uplink.Stop();
  worker.Stop();
  mark.Stop();
  spdlog::info("agent: stopped");
  return 0;
}

}  // namespace tillwire
