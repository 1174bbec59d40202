// The check of the guarantee, on the real outbox and a disk that loses power: with syncing it finds nothing,
// and without it does.
#include <catch2/catch.hpp>

#include "storage/outbox.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/support/event_facts.h"
#include "tests/support/guarantee_check.h"
#include "tests/support/store_day.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

// A till whose disk is the twin.
class PowerlessTill {
 public:
  PowerlessTill(const std::string& disk_name, Synchronous synchronous) : disk_(disk_name) {
    options_.directory = directory_.Path();
    options_.store_id = "0042";
    options_.terminal_id = "till-3";
    options_.reserve_bytes = 64 << 10;
    options_.database.vfs = disk_.Name();
    options_.database.synchronous = synchronous;
    Open();
  }

  // A day's captures, each acknowledged after its own commit.
  void Capture(std::size_t captures) {
    StoreDayOptions day;
    day.captures = captures;
    UuidGenerator event_ids(rng_);
    for (const PlannedCapture& planned : PlanStoreDay(day)) {
      CaptureInput input;
      input.event_id = event_ids.Make(clock_.WallNow());
      input.lane = planned.lane;
      input.event = MakeEvent(planned.request, input.event_id.ToString(), clock_.WallNow());
      input.captured_at = clock_.WallNow();
      outbox_->Begin();
      REQUIRE(outbox_->Capture(input).ok());
      outbox_->Commit();
      log_.push_back({input.event_id.ToString(), planned.request.idempotency_key(), planned.lane,
                      RequestDigest(planned.request)});
    }
  }

  void LosePower() {
    disk_.PowerCut();
    outbox_.reset();
    disk_.Restart();
    Open();
  }

  // As if the centre had got all that the outbox still has to send.
  GuaranteeReport Check() {
    outbox_->Begin();
    const PendingPage page = outbox_->ReadPending(0, 100'000, 1ULL << 30);
    outbox_->Rollback();
    std::vector<LedgerEntry> ledger;
    for (const PendingRecord& pending : page.records) {
      LedgerEntry entry;
      entry.position = pending.position;
      entry.id = pending.record.id;
      entry.last_sequence = pending.record.id.sequence;
      entry.lane = pending.record.lane;
      entry.previous_hash = pending.record.previous_hash;
      entry.hash = pending.record.hash;
      entry.event = pending.record.event;
      ledger.push_back(entry);
    }
    return CheckGuarantee(log_, ledger);
  }

 private:
  void Open() {
    Result<std::unique_ptr<Outbox>> opened = Outbox::Open(options_, clock_, rng_);
    if (!opened) {
      throw std::runtime_error(opened.error().Text());
    }
    outbox_ = std::move(*opened);
  }

  const TempDirectory directory_;
  FaultyVfs disk_;
  FakeClock clock_;
  FakeRng rng_;
  OutboxOptions options_;
  std::unique_ptr<Outbox> outbox_;
  std::vector<AcknowledgedCapture> log_;
};

TEST_CASE("Acknowledged captures survive a power cut") {
  PowerlessTill till("with-syncing", Synchronous::kFull);
  till.Capture(200);
  till.LosePower();
  const GuaranteeReport report = till.Check();
  INFO(report.Findings());
  CHECK(report.Holds());
  CHECK(report.acknowledged == 200);
}

TEST_CASE("With synchronous=OFF the same check finds what a power cut took") {
  PowerlessTill till("without-syncing", Synchronous::kOff);
  till.Capture(200);
  CHECK(till.Check().Holds());
  till.LosePower();
  const GuaranteeReport report = till.Check();
  CHECK(report.lost > 0);
  CHECK_FALSE(report.Holds());
}

}  // namespace
}  // namespace tillwire
