// What /metrics and /healthz of the centre say.
#pragma once

#include <functional>
#include <string>

#include "core/clock.h"
#include "ingest/ledger/ledger.h"
#include "ingest/oversight/terminal_register.h"
#include "ingest/service/ingestion_metrics.h"
#include "platform/bounded_question.h"
#include "storage/timed_store.h"

namespace tillwire {

struct CentreMetrics {
  IngestionMetrics ingestion;
  CommitMetrics commits;
};

struct CentrePageOptions {
  std::string version;
  std::function<std::size_t()> open_streams;
  std::function<TerminalRegister::FlagCounts()> flagged_terminals;
  // For the commit thread's answer; a page never takes longer.
  std::chrono::milliseconds patience = std::chrono::seconds(2);
};

// Used by one thread, which must not be the one that commits.
class CentreMetricsPage {
 public:
  // `metrics` and `clock` outlive it. `ask` has the ledger's statistics read where that may be done.
  CentreMetricsPage(const CentreMetrics& metrics, BoundedQuestion<LedgerStatistics>::Ask ask,
                    const Clock& clock, CentrePageOptions options);

  // Without the numbers of the ledger, and tillwire_ingest_ledger_up 0, where nobody answers.
  std::string Metrics();
  // Whether the commit thread answers.
  Result<void> Health();

 private:
  const CentreMetrics& metrics_;
  const CentrePageOptions options_;
  const WallTime start_;
  BoundedQuestion<LedgerStatistics> ledger_;
};

}  // namespace tillwire
