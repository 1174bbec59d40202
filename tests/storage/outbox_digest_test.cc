// What the centre is told of an outbox adds up, whatever happened to it.
#include <filesystem>

#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

Digest Read(OutboxHarness& harness) {
  Digest digest = harness.Transact([](Outbox& box) { return box.ReadDigest(); });
  for (const EpochDigest& epoch : digest.epochs) {
    INFO("epoch " << epoch.ordinal << ": last " << epoch.last << " delivered " << epoch.delivered
                  << " pending " << epoch.pending << " parked " << epoch.parked << " moved " << epoch.moved
                  << " lost " << epoch.lost << " damaged " << epoch.damaged << " released " << epoch.released
                  << " not in effect " << epoch.not_in_effect);
    CHECK(epoch.AddsUp());
  }
  return digest;
}

void CaptureMany(OutboxHarness& harness, int count) {
  for (int i = 0; i < count; ++i) harness.Capture("order:" + std::to_string(i), std::to_string(i));
}

TEST_CASE("A digest counts each state of an epoch") {
  OutboxHarness harness;
  harness.Open();
  CaptureMany(harness, 8);
  harness.Answer({1, 2, 3}, Disposition::kAccepted);
  harness.Answer({4, 5}, Disposition::kParked, ParkReason::kTooManyLines);
  harness.Answer({6}, Disposition::kTombstoned);
  harness.Damage(7);
  harness.Pending();
  harness.clock.Advance(std::chrono::minutes(5));
  const Uuid parked = harness.outbox->Views({5}).at(0).event_id;
  REQUIRE(harness.Transact([&](Outbox& box) { return box.Release(parked, "by 0815"); }));

  const Digest digest = Read(harness);
  REQUIRE(digest.epochs.size() == 1);
  const EpochDigest& epoch = digest.epochs[0];
  CHECK(epoch.ordinal == 1);
  CHECK(epoch.last == 8);
  CHECK(epoch.kept_through == 8);
  CHECK(epoch.last_hash == harness.outbox->Epochs().at(0).last_hash);
  CHECK(epoch.resolved_through == 3);
  CHECK(epoch.delivered == 3);
  CHECK(epoch.parked == 1);
  CHECK(epoch.released == 1);
  CHECK(epoch.damaged == 1);
  CHECK(epoch.not_in_effect == 1);
  CHECK(epoch.pending == 1);
  CHECK(epoch.why == "the outbox was created");
  CHECK(digest.outbox_max_bytes == harness.options.max_bytes);
  CHECK(digest.outbox_used_bytes > 0);
  CHECK(digest.oldest_pending_age == std::chrono::minutes(5));

  harness.Close();
  harness.Open();
  CHECK(Read(harness).epochs == digest.epochs);
}

TEST_CASE("What a fork moves is counted where it was and where it is") {
  OutboxHarness harness;
  harness.Open();
  CaptureMany(harness, 5);
  harness.Answer({1, 2}, Disposition::kAccepted);
  harness.Damage(4);
  harness.Pending();
  const std::uint64_t first = harness.Status().epoch;
  harness.Transact([&](Outbox& box) { return box.MoveSuffix(first, "forked"); });
  const Digest digest = Read(harness);
  REQUIRE(digest.epochs.size() == 2);
  CHECK(digest.epochs[0].last == 5);
  CHECK(digest.epochs[0].kept_through == 2);
  CHECK(digest.epochs[0].resolved_through == 2);
  CHECK(digest.epochs[0].moved == 3);
  CHECK(digest.epochs[0].damaged == 0);
  CHECK(digest.epochs[1].last == 3);
  CHECK(digest.epochs[1].pending == 2);
  CHECK(digest.epochs[1].damaged == 1);
  CHECK(digest.epochs[1].why == "forked");
}

TEST_CASE("What an older copy of the file lost is counted, until the centre turns out to have it") {
  OutboxHarness harness;
  harness.Open();
  CaptureMany(harness, 2);
  harness.Close();
  const auto database = harness.options.directory / "outbox.db";
  const auto old = harness.directory.Path() / "old.db";
  std::filesystem::copy_file(database, old);
  harness.Open();
  CaptureMany(harness, 3);
  const Hash lost_hash = harness.outbox->Epochs().at(0).last_hash.value();
  const std::uint64_t first = harness.Status().epoch;
  harness.Close();
  std::filesystem::copy_file(old, database, std::filesystem::copy_options::overwrite_existing);
  harness.Open();
  CaptureMany(harness, 1);

  Digest digest = Read(harness);
  REQUIRE(digest.epochs.size() == 2);
  CHECK(digest.epochs[0].last == 5);
  CHECK(digest.epochs[0].kept_through == 2);
  CHECK(digest.epochs[0].pending == 2);
  CHECK(digest.epochs[0].lost == 3);
  CHECK(digest.epochs[0].moved == 0);

  Welcome welcome;
  EpochState& state = welcome.epochs.emplace_back();
  state.epoch = first;
  state.accepted.push_back({5, 5, lost_hash});
  harness.Transact([&](Outbox& box) { return box.ApplyWelcome(welcome); });
  digest = Read(harness);
  CHECK(digest.epochs[0].lost == 2);
  CHECK(digest.epochs[0].delivered == 1);
  CHECK(digest.epochs[0].moved == 0);
  CHECK(harness.Status().lost == 2);
}

TEST_CASE("A million delivered events cost a digest no more than a few") {
  OutboxHarness harness;
  harness.Open();
  CaptureMany(harness, 3);
  // As if there had been a million: what is delivered is one range. A hash covers its event's sequence.
  std::string edits =
      "UPDATE lanes SET position = position + 1000000;"
      "INSERT INTO delivered VALUES (1, 1000001);";
  std::optional<Hash> head;
  for (const PendingRecord& pending : harness.Pending().records) {
    const Record& record = pending.record;
    const Hash previous = head.value_or(record.previous_hash);
    head = RecordHash({record.id.epoch, record.id.sequence + 1'000'000}, record.lane, {}, previous,
                      record.event);
    edits += "UPDATE events SET position = position + 1000000, previous_hash = x'" + previous.ToHex() +
             "', hash = x'" + head->ToHex() + "' WHERE position = " + std::to_string(pending.position) + ";";
  }
  harness.Edit(edits);
  const auto begin = std::chrono::steady_clock::now();
  const Digest digest = Read(harness);
  const auto spent =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  WARN("a digest over " << digest.epochs.at(0).last << " events took " << spent.count() << " us");
  CHECK(digest.epochs[0].last == 1'000'003);
  CHECK(digest.epochs[0].delivered == 1'000'001);
  CHECK(digest.epochs[0].pending == 2);
}

}  // namespace
}  // namespace tillwire
