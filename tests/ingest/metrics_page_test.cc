#include "ingest/metrics_page.h"

#include <catch2/catch.hpp>

#include "tests/fakes/fake_clock.h"
#include "tests/support/exposition.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

class Rig {
 protected:
  Exposition Scrape() {
    const Exposition scrape = ParseExposition(page_.Metrics());
    INFO((scrape.problems.empty() ? "" : scrape.problems.front()));
    CHECK(scrape.problems.empty());
    return scrape;
  }

  FakeClock clock_;
  CentreMetrics metrics_;
  LedgerStatistics statistics_;
  TerminalRegister::FlagCounts flagged_{};
  bool answers_ = true;
  CentreMetricsPage page_{metrics_,
                          [this](const std::function<void(Result<LedgerStatistics>)>& done) {
                            if (answers_) done(statistics_);
                          },
                          clock_,
                          {"9.8.7", [] { return std::size_t{3}; }, [this] { return flagged_; }, 50ms}};
};

TEST_CASE_METHOD(Rig, "The centre's numbers are shown under their labels") {
  statistics_.terminals = 12;
  statistics_.parked = 2;
  metrics_.ingestion.records[Disposition::kAccepted].Add(40);
  metrics_.ingestion.records[Disposition::kDuplicate].Add(3);
  metrics_.ingestion.parked[ParkReason::kStoreNotAllowed].Add(2);
  metrics_.ingestion.tombstones.Add(4);
  metrics_.ingestion.conflicts.Add(5);
  metrics_.ingestion.batch_records.Observe(std::uint64_t{512});
  metrics_.commits.seconds.Observe(2ms);
  flagged_[static_cast<std::size_t>(TerminalFlag::kSilent)] = 6;
  const Exposition scrape = Scrape();
  CHECK(scrape.Value("tillwire_ingest_terminals_flagged{flag=\"SILENT\"}") == 6);
  CHECK(scrape.Value("tillwire_ingest_terminals_flagged{flag=\"GAP\"}") == 0);
  CHECK(scrape.Value("tillwire_ingest_ledger_up") == 1);
  CHECK(scrape.Value("tillwire_ingest_terminals") == 12);
  CHECK(scrape.Value("tillwire_ingest_parked") == 2);
  CHECK(scrape.Value("tillwire_ingest_streams_open") == 3);
  CHECK(scrape.Value("tillwire_ingest_records_total{disposition=\"ACCEPTED\"}") == 40);
  CHECK(scrape.Value("tillwire_ingest_records_total{disposition=\"DUPLICATE\"}") == 3);
  CHECK(scrape.Value("tillwire_ingest_records_total{disposition=\"RETRY\"}") == 0);
  CHECK(scrape.Value("tillwire_ingest_parked_total{reason=\"STORE_NOT_ALLOWED\"}") == 2);
  CHECK(scrape.Value("tillwire_ingest_tombstones_total") == 4);
  CHECK(scrape.Value("tillwire_ingest_conflicts_total") == 5);
  CHECK(scrape.Value("tillwire_ingest_batch_records_bucket{le=\"512\"}") == 1);
  CHECK(scrape.Value("tillwire_ingest_ledger_commit_seconds_count") == 1);
  CHECK(scrape.Value("tillwire_build_info{version=\"9.8.7\"}") == 1);
  CHECK(page_.Health().ok());
}

TEST_CASE_METHOD(Rig, "A commit thread that hangs leaves the ledger's numbers out") {
  answers_ = false;
  const Exposition scrape = Scrape();
  CHECK(scrape.Value("tillwire_ingest_ledger_up") == 0);
  CHECK_FALSE(scrape.types.contains("tillwire_ingest_terminals"));
  CHECK(scrape.Value("tillwire_ingest_streams_open") == 3);
  REQUIRE_FALSE(page_.Health().ok());
  CHECK(page_.Health().error().Text() == "the commit thread does not answer; look at the ledger's disk");
}

}  // namespace
}  // namespace tillwire
