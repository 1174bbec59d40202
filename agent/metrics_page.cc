#include "agent/metrics_page.h"

#include <algorithm>
#include <utility>

#include "platform/metrics_text.h"

namespace tillwire {
namespace {

using enum MetricType;

const char* ProblemName(UplinkProblem problem) {
  switch (problem) {
    case UplinkProblem::kUnreachable:
      return "UNREACHABLE";
    case UplinkProblem::kWrongServer:
      return "WRONG_SERVER";
    case UplinkProblem::kCaptivePortal:
      return "CAPTIVE_PORTAL";
    case UplinkProblem::kCertificate:
      return "CERTIFICATE";
    case UplinkProblem::kClock:
      return "CLOCK";
    case UplinkProblem::kRefused:
      return "REFUSED";
    case UplinkProblem::kBroken:
      return "BROKEN";
    case UplinkProblem::kDisk:
      return "DISK";
  }
  return "UNREACHABLE";
}

// Every event has one.
const char* SourceName(EventSource source) {
  switch (source) {
    case EventSource::kUnspecified:
      return nullptr;
    case EventSource::kGrpc:
      return "grpc";
    case EventSource::kHttp:
      return "http";
    case EventSource::kCli:
      return "cli";
    case EventSource::kSpool:
      return "spool";
  }
  return nullptr;
}

void AddCapture(MetricsText& text, const CaptureMetrics& capture) {
  text.Begin("tillwire_captured_total", kCounter, "Events stored, by the way that they came in.")
      .Samples(capture.captured, "source", SourceName);
  text.Begin("tillwire_capture_repeated_total", kCounter,
             "Captures answered with the first one of their idempotency key.")
      .Sample(static_cast<double>(capture.repeated.Value()));
  text.Begin("tillwire_capture_refused_total", kCounter, "Captures that were not stored, by error code.")
      .Samples(capture.refused, "code", ErrorCodeName);
  text.Begin("tillwire_capture_seconds", kHistogram, "From a capture's request to its answer.")
      .Sample(capture.seconds, MetricsText::kMicrosecondsInSecond);
}

void AddCommits(MetricsText& text, const CommitMetrics& commits) {
  text.Begin("tillwire_commit_seconds", kHistogram, "A commit that stored captures, with its sync.")
      .Sample(commits.seconds, MetricsText::kMicrosecondsInSecond);
  text.Begin("tillwire_commit_records", kHistogram, "Captures that shared a commit.")
      .Sample(commits.records, 1);
}

void AddUplink(MetricsText& text, const UplinkMetrics& uplink, const UplinkStatus& status) {
  text.Begin("tillwire_delivered_total", kCounter, "Events that the centre confirmed.")
      .Sample(static_cast<double>(uplink.delivered.Value()));
  text.Begin("tillwire_parked_total", kCounter, "Times that the centre parked an event, by its reason.")
      .Samples(uplink.parked, "reason", ParkReasonName);
  text.Begin("tillwire_delivery_failures_total", kCounter,
             "Attempts to connect that failed and streams that broke, by kind.")
      .Samples(uplink.failures, "code", ProblemName);
  text.Begin("tillwire_delivery_seconds", kHistogram,
             "From sending a batch to its answer being on this disk.")
      .Sample(uplink.delivery_seconds, MetricsText::kMicrosecondsInSecond);
  text.Begin("tillwire_uplink_connects_total", kCounter, "Connections that the centre welcomed.")
      .Sample(static_cast<double>(uplink.connects.Value()));
  text.Begin("tillwire_uplink_connected", kGauge, "Whether the centre is connected now.")
      .Sample(status.connected_since ? 1 : 0);
  text.Begin("tillwire_uplink_paused", kGauge, "Whether an operator holds the uplink back.")
      .Sample(status.pause ? 1 : 0);
}

void AddOutbox(MetricsText& text, const OutboxStatus& outbox, WallTime now) {
  const auto count = [](std::uint64_t number) { return static_cast<double>(number); };
  text.Begin("tillwire_outbox_events", kGauge, "Events of this terminal, by state.")
      .Sample(count(outbox.pending), {{"state", "pending"}})
      .Sample(count(outbox.parked), {{"state", "parked"}})
      .Sample(count(outbox.delivered), {{"state", "delivered"}})
      .Sample(count(outbox.lost), {{"state", "lost"}})
      .Sample(count(outbox.released), {{"state", "released"}})
      .Sample(count(outbox.not_in_effect), {{"state", "not_in_effect"}});
  const WallTime oldest = std::min(outbox.oldest_pending.value_or(now), now);
  text.Begin("tillwire_outbox_oldest_pending_seconds", kGauge, "Age of the oldest pending event; 0: none.")
      .Sample(std::chrono::duration<double>(now - oldest).count());
  text.Begin("tillwire_outbox_used_bytes", kGauge, "Of outbox.max_bytes, in use.")
      .Sample(count(outbox.used_bytes));
  text.Begin("tillwire_outbox_max_bytes", kGauge, "outbox.max_bytes: beyond it captures are refused.")
      .Sample(count(outbox.max_bytes));
  text.Begin("tillwire_outbox_room_bytes", kGauge,
             "What captures can still take, by outbox.max_bytes and disk.")
      .Sample(count(outbox.room.bytes));
  text.Begin("tillwire_outbox_stage", kGauge,
             "Room runs out: 0 plenty, 1 pruning early, 2 bin clears refused, 3 all captures refused.")
      .Sample(static_cast<double>(outbox.room.stage));
  text.Begin("tillwire_outbox_writable", kGauge,
             "Whether the outbox's disk can be written; if not, none is captured.")
      .Sample(outbox.trouble ? 0 : 1);
}

void AddSpool(MetricsText& text, const SpoolStatus& spool) {
  text.Begin("tillwire_spool_files", kGauge, "Files in the spool, by state.")
      .Sample(static_cast<double>(spool.waiting), {{"state", "waiting"}})
      .Sample(static_cast<double>(spool.bad.total), {{"state", "bad"}});
}

}  // namespace

AgentMetricsPage::AgentMetricsPage(const AgentMetrics& metrics, CaptureStore& store, const Clock& clock,
                                   AgentPageOptions options)
    : metrics_(metrics),
      clock_(clock),
      options_(std::move(options)),
      start_(clock.WallNow()),
      outbox_([&store](std::function<void(Result<OutboxStatus>)> done) { store.Status(std::move(done)); }) {}

std::string AgentMetricsPage::Metrics() {
  const auto outbox = outbox_.Answer(options_.patience);
  const bool up = outbox && outbox->ok();
  MetricsText text;
  text.Begin("tillwire_outbox_up", kGauge, "Whether the storage thread answered this scrape in time.")
      .Sample(up ? 1 : 0);
  if (up) AddOutbox(text, **outbox, clock_.WallNow());
  AddCapture(text, metrics_.capture);
  AddSpool(text, options_.spool_status());
  AddCommits(text, metrics_.commits);
  AddUplink(text, metrics_.uplink, options_.uplink_status());
  AddProcessMetrics(text, options_.agent_version, start_);
  return text.Text();
}

Result<void> AgentMetricsPage::Health() {
  const auto outbox = outbox_.Answer(options_.patience);
  if (!outbox) {
    return Error{ErrorCode::kUnavailable, "the storage thread does not answer", "look at the disk"};
  }
  if (!outbox->ok()) return outbox->error();
  if ((*outbox)->trouble) return *(*outbox)->trouble;
  if (auto refused = (*outbox)->room.Refusal(CaptureKind::kCancellation)) return *refused;
  return {};
}

}  // namespace tillwire
