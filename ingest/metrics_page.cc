#include "ingest/metrics_page.h"

#include <utility>

#include "platform/metrics_text.h"

namespace tillwire {
namespace {

using enum MetricType;

const char* DispositionName(Disposition disposition) {
  switch (disposition) {
    case Disposition::kUnspecified:
      return "UNSPECIFIED";
    case Disposition::kAccepted:
      return "ACCEPTED";
    case Disposition::kDuplicate:
      return "DUPLICATE";
    case Disposition::kParked:
      return "PARKED";
    case Disposition::kRetry:
      return "RETRY";
    case Disposition::kConflict:
      return "CONFLICT";
    case Disposition::kTombstoned:
      return "TOMBSTONED";
  }
  return "UNSPECIFIED";
}

}  // namespace

CentreMetricsPage::CentreMetricsPage(const CentreMetrics& metrics, BoundedQuestion<LedgerStatistics>::Ask ask,
                                     const Clock& clock, CentrePageOptions options)
    : metrics_(metrics), options_(std::move(options)), start_(clock.WallNow()), ledger_(std::move(ask)) {}

std::string CentreMetricsPage::Metrics() {
  const auto ledger = ledger_.Answer(options_.patience);
  const bool up = ledger && ledger->ok();
  const IngestionMetrics& ingestion = metrics_.ingestion;
  MetricsText text;
  text.Begin("tillwire_ingest_ledger_up", kGauge, "Whether the commit thread answered this scrape in time.")
      .Sample(up ? 1 : 0);
  if (up) {
    text.Begin("tillwire_ingest_terminals", kGauge, "Terminals that ever sent something.")
        .Sample(static_cast<double>((*ledger)->terminals));
    text.Begin("tillwire_ingest_parked", kGauge, "Records that are parked now.")
        .Sample(static_cast<double>((*ledger)->parked));
    text.Begin("tillwire_ingest_imported", kGauge, "Events in effect that an export file brought.")
        .Sample(static_cast<double>((*ledger)->counts.imported));
  }
  const auto flagged = options_.flagged_terminals();
  text.Begin("tillwire_ingest_terminals_flagged", kGauge, "Terminals that have the flag now.");
  for (std::size_t i = 1; i < flagged.size(); ++i) {
    text.Sample(static_cast<double>(flagged[i]), {{"flag", TerminalFlagName(static_cast<TerminalFlag>(i))}});
  }
  text.Begin("tillwire_ingest_streams_open", kGauge, "Agents that are connected now.")
      .Sample(static_cast<double>(options_.open_streams()));
  text.Begin("tillwire_ingest_records_total", kCounter, "Records that came, by what was answered.")
      .Samples(ingestion.records, "disposition", DispositionName);
  text.Begin("tillwire_ingest_parked_total", kCounter, "Times that a record was parked, by the reason.")
      .Samples(ingestion.parked, "reason", ParkReasonName);
  text.Begin("tillwire_ingest_tombstones_total", kCounter,
             "Tombstones taken, those announced again included.")
      .Sample(static_cast<double>(ingestion.tombstones.Value()));
  text.Begin("tillwire_ingest_conflicts_total", kCounter,
             "Records and tombstones of a history that forked: an outbox was copied or put back.")
      .Sample(static_cast<double>(ingestion.conflicts.Value()));
  text.Begin("tillwire_ingest_batch_records", kHistogram, "Records in a batch.")
      .Sample(ingestion.batch_records, 1);
  text.Begin("tillwire_ingest_ledger_commit_seconds", kHistogram, "A commit of the ledger, with its sync.")
      .Sample(metrics_.commits.seconds, MetricsText::kMicrosecondsInSecond);
  text.Begin("tillwire_ingest_ledger_commit_records", kHistogram, "Records that shared a commit.")
      .Sample(metrics_.commits.records, 1);
  AddProcessMetrics(text, options_.version, start_);
  return text.Text();
}

Result<void> CentreMetricsPage::Health() {
  const auto ledger = ledger_.Answer(options_.patience);
  if (!ledger) {
    return Error{ErrorCode::kUnavailable, "the commit thread does not answer", "look at the ledger's disk"};
  }
  if (!ledger->ok()) return ledger->error();
  return {};
}

}  // namespace tillwire
