// Closing sequences that will never come, on every ledger.
#include "tests/ingest/centre.h"

namespace tillwire {
namespace {

using Dispositions = std::vector<Disposition>;
using enum Disposition;

TEST_CASE("A tombstone closes its range, is listed, and is idempotent") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(6);
  centre.Send(chain.Batch(1, 2));
  CHECK(centre.Send(chain.Tomb(3, 5)).disposition == kTombstoned);
  CHECK(centre.Send(chain.Tomb(3, 5)).disposition == kTombstoned);
  CHECK(centre.Send(chain.Tomb(4, 5)).disposition == kTombstoned);
  const EpochState state = centre.State(7);
  REQUIRE(state.tombstoned.size() == 1);
  CHECK(state.tombstoned[0].first == 3);
  CHECK(state.tombstoned[0].last == 5);
  CHECK(state.tombstoned[0].last_hash == chain.At(5).hash);
  REQUIRE(state.accepted.size() == 1);
  CHECK(state.accepted[0].last == 2);
  CHECK(centre.Send(chain.At(6)).disposition == kAccepted);

  const auto entries = centre.Entries();
  REQUIRE(entries.size() == 4);
  CHECK(entries[2].kind == EntryKind::kTombstone);
  CHECK(entries[2].sequence == 3);
  CHECK(entries[2].last_sequence == 5);
  CHECK(entries[2].cause == "test");
  CHECK(centre.Statistics().counts.tombstoned == 3);
}

TEST_CASE("The record wins over its tombstone") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(6);
  centre.Send(chain.Batch(2, 4));
  CHECK(centre.Send(chain.Tomb(3, 3)).disposition == kDuplicate);
  CHECK(centre.Send(chain.Tomb(2, 4)).disposition == kDuplicate);
  CHECK(centre.Send(chain.Tomb(1, 6)).disposition == kTombstoned);
  const EpochState state = centre.State(7);
  REQUIRE(state.accepted.size() == 1);
  REQUIRE(state.tombstoned.size() == 2);
  CHECK(state.tombstoned[0].last == 1);
  CHECK(state.tombstoned[0].last_hash == chain.At(1).hash);  // as its neighbour names it
  CHECK(state.tombstoned[1].first == 5);
  CHECK(centre.Statistics().counts.tombstoned == 3);
}

TEST_CASE("A tombstone of another history is a conflict") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(2);
  Chain clone = chain;
  chain.CaptureMany(4);
  clone.CaptureMany(4);
  SECTION("its end is accepted with another hash") {
    centre.Send(chain.Batch(1, 4));
    CHECK(centre.Send(clone.Tomb(3, 4)).disposition == kConflict);
  }
  SECTION("its end is closed with another hash") {
    centre.Send(chain.Tomb(3, 4));
    CHECK(centre.Send(clone.Tomb(3, 4)).disposition == kConflict);
  }
  SECTION("the record before it") {
    centre.Send(chain.Batch(1, 3));
    CHECK(centre.Send(clone.Tomb(4, 5)).disposition == kConflict);
  }
  SECTION("the record after it") {
    centre.Send(chain.At(5));
    CHECK(centre.Send(clone.Tomb(3, 4)).disposition == kConflict);
  }
  SECTION("its end is parked with another hash") {
    centre.rules.allowed_stores = {"none"};
    centre.Send(chain.At(4));
    CHECK(centre.Send(clone.Tomb(4, 4)).disposition == kConflict);
  }
  CHECK(centre.Statistics().counts.conflicts == 1);
}

TEST_CASE("Bytes that come after their tombstone are kept once and stay without effect") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(3);
  Chain clone = chain;
  centre.Send(chain.Tomb(1, 3));
  CHECK(DispositionsOf(centre.Send(chain.Batch(1, 3))) == Dispositions(3, kTombstoned));
  CHECK(DispositionsOf(centre.Send(chain.Batch(1, 3))) == Dispositions(3, kTombstoned));
  const auto entries = centre.Entries();
  REQUIRE(entries.size() == 4);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    CHECK(entries[i].kind == EntryKind::kReappeared);
    CHECK(entries[i].event == chain.At(i).event);
  }
  CHECK(centre.Statistics().counts.reappeared == 3);
  CHECK(centre.Statistics().counts.accepted == 0);
}

TEST_CASE("Other bytes at a tombstone's end are a conflict") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  Chain clone = chain;
  chain.Capture("A");
  clone.Capture("B");
  centre.Send(chain.Tomb(1, 1));
  CHECK(centre.Send(clone.At(1)).disposition == kConflict);
}

TEST_CASE("A tombstone lets its lane go on") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.Capture("A");
  chain.Capture("A");
  chain.Capture("B");
  chain.Capture("B");
  centre.Send(chain.Tomb(1, 1));
  CHECK(centre.Send(chain.At(2)).disposition == kAccepted);
  Tombstone unknown = chain.Tomb(3, 3);
  unknown.last_hash.reset();
  unknown.previous_hash.reset();
  centre.Send(unknown);
  CHECK(centre.Send(chain.At(4)).disposition == kAccepted);
}

TEST_CASE("A tombstone takes over what is parked, and keeps its hash") {
  Centre centre(GENERATE(ALL_LEDGERS));
  centre.rules.max_lines = 1;
  Chain chain(7);
  chain.CaptureMany(2);
  chain.Capture("big", 2);
  chain.CaptureMany(2);
  centre.Send(chain.At(3));
  CHECK(centre.Send(chain.Tomb(1, 5)).disposition == kTombstoned);
  const EpochState state = centre.State(7);
  CHECK(state.parked.empty());
  REQUIRE(state.tombstoned.size() == 2);
  CHECK(state.tombstoned[0].last == 3);
  CHECK(state.tombstoned[0].last_hash == chain.At(3).hash);
  CHECK(state.tombstoned[1].last_hash == chain.At(5).hash);
}

TEST_CASE("A hash that becomes known later is kept") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(2);
  Tombstone unknown = chain.Tomb(1, 2);
  unknown.last_hash.reset();
  centre.Send(unknown);
  CHECK_FALSE(centre.State(7).tombstoned.at(0).last_hash);
  CHECK(centre.Send(chain.Tomb(1, 2)).disposition == kTombstoned);
  CHECK(centre.State(7).tombstoned.at(0).last_hash == chain.At(2).hash);
}

TEST_CASE("Tombstones follow an event to its other identities") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.Capture("A");
  Chain moved(8);
  moved.Recapture(chain.At(1));
  SECTION("given up first, then recaptured") {
    centre.Send(chain.Tomb(1, 1));
    CHECK(centre.Send(moved.At(1)).disposition == kTombstoned);
    CHECK(centre.Send(moved.At(1)).disposition == kTombstoned);
    REQUIRE(centre.State(8).tombstoned.size() == 1);
    CHECK(centre.State(8).tombstoned[0].last_hash == moved.At(1).hash);
    CHECK(centre.Statistics().counts.reappeared == 1);
  }
  SECTION("recaptured first, then given up where it was") {
    centre.Send(moved.At(1));
    CHECK(centre.Send(chain.Tomb(1, 1)).disposition == kDuplicate);
    CHECK(centre.State(7).accepted.at(0).last_hash == chain.At(1).hash);
    CHECK(centre.State(7).tombstoned.empty());
  }
}

TEST_CASE("A tombstone over much history costs rows, not sequences") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(2);
  Tombstone wide = chain.Tomb(2, 2);
  wide.last = 1'000'000'000'000;
  CHECK(centre.Send(wide).disposition == kTombstoned);
  CHECK(centre.State(7).tombstoned.size() == 1);
}

}  // namespace
}  // namespace tillwire
