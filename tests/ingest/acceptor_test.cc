// Which records take effect (docs/wire-protocol.md), on every ledger.
#include "ingest/acceptance/acceptor.h"

#include "tests/ingest/centre.h"

namespace tillwire {
namespace {

using Dispositions = std::vector<Disposition>;
using enum Disposition;

TEST_CASE("A contiguous batch is accepted into one range, in order") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(5);
  CHECK(DispositionsOf(centre.Send(chain.Batch(1, 5))) == Dispositions(5, kAccepted));
  const EpochState state = centre.State(7);
  REQUIRE(state.accepted.size() == 1);
  CHECK(state.accepted[0].first == 1);
  CHECK(state.accepted[0].last == 5);
  CHECK(state.accepted[0].last_hash == chain.At(5).hash);
  const auto entries = centre.Entries();
  REQUIRE(entries.size() == 5);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const Record& sent = chain.At(i + 1);
    CHECK(entries[i].kind == EntryKind::kAccepted);
    CHECK(entries[i].position == i + 1);
    CHECK(entries[i].identity == kTerminal);
    CHECK(entries[i].epoch == 7);
    CHECK(entries[i].sequence == sent.id.sequence);
    CHECK(entries[i].lane == sent.lane);
    CHECK(entries[i].event == sent.event);
    CHECK(entries[i].hash == sent.hash);
    CHECK(entries[i].previous_hash == sent.previous_hash);
    CHECK(entries[i].received_at == kNow);
  }
}

TEST_CASE("Ranges merge, whatever the order of arrival") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(9);
  const std::vector<Interval> order =
      GENERATE(values<std::vector<Interval>>({{{1, 3}, {4, 6}, {7, 9}},
                                              {{7, 9}, {4, 6}, {1, 3}},
                                              {{1, 3}, {7, 9}, {4, 6}},
                                              {{5, 5}, {1, 3}, {7, 9}, {4, 4}, {6, 6}}}));
  for (const Interval& part : order) {
    const auto results = centre.Send(chain.Batch(part.first, part.last));
    CHECK(DispositionsOf(results) == Dispositions(results.size(), kAccepted));
  }
  const EpochState state = centre.State(7);
  REQUIRE(state.accepted.size() == 1);
  CHECK(state.accepted[0].last == 9);
  CHECK(state.accepted[0].last_hash == chain.At(9).hash);
  CHECK(DispositionsOf(centre.Send(chain.Batch(1, 9))) == Dispositions(9, kDuplicate));
}

TEST_CASE("A batch with gaps leaves ranges that do not touch") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(7);
  CHECK(DispositionsOf(
            centre.Send({1, 7, {chain.At(1), chain.At(2), chain.At(4), chain.At(6), chain.At(7)}})) ==
        Dispositions(5, kAccepted));
  const EpochState state = centre.State(7);
  REQUIRE(state.accepted.size() == 3);
  CHECK(state.accepted[0].last == 2);
  CHECK(state.accepted[1].first == 4);
  CHECK(state.accepted[1].last == 4);
  CHECK(state.accepted[2].first == 6);
  centre.Send({1, 7, {chain.At(3), chain.At(5)}});
  CHECK(centre.State(7).accepted.size() == 1);
}

TEST_CASE("What arrives again is a duplicate for ever, counted and without effect") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(4);
  centre.Send(chain.Batch(1, 4));
  CHECK(DispositionsOf(centre.Send(chain.Batch(1, 4))) == Dispositions(4, kDuplicate));
  centre.Restart();
  CHECK(DispositionsOf(centre.Send(chain.Batch(2, 3))) == Dispositions(2, kDuplicate));
  CHECK(centre.Entries().size() == 4);
  CHECK(centre.Statistics().counts.accepted == 4);
  CHECK(centre.Statistics().counts.duplicates == 6);
}

TEST_CASE("Terminals and epochs do not mix") {
  Centre centre(GENERATE(ALL_LEDGERS));
  const StreamIdentity other{"S01", "T2"};
  Chain chain(7);
  Chain elsewhere(7, other);
  Chain later(8);
  for (Chain* each : {&chain, &elsewhere, &later}) each->CaptureMany(2);
  CHECK(DispositionsOf(centre.Send(chain.Batch(1, 2))) == Dispositions(2, kAccepted));
  CHECK(DispositionsOf(centre.Send(elsewhere.Batch(1, 2), other)) == Dispositions(2, kAccepted));
  CHECK(DispositionsOf(centre.Send(later.Batch(1, 2))) == Dispositions(2, kAccepted));
  CHECK(centre.Statistics().terminals == 2);
}

TEST_CASE("A record whose hash fails is parked and leaves no trace") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  Record record = chain.Capture("A");
  record.event[0] = static_cast<char>(record.event[0] ^ 1);
  const auto result = centre.Send(record);
  CHECK(result.disposition == kParked);
  CHECK(result.park_reason == ParkReason::kHashMismatch);
  CHECK(centre.State(7).parked.empty());
  CHECK(centre.Send(chain.At(1)).disposition == kAccepted);
}

TEST_CASE("Another record under an accepted identity is a conflict") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(2);
  Chain clone = chain;
  chain.CaptureMany(2);
  clone.Capture("other");
  clone.Capture("another");
  centre.Send(chain.Batch(1, 4));
  for (const std::uint64_t sequence : {3, 4}) {
    const auto result = centre.Send(clone.At(sequence));
    CHECK(result.disposition == kConflict);
    CHECK_THAT(result.detail, Catch::Contains("is accepted with hash"));
  }
  CHECK(centre.Send(clone.At(2)).disposition == kDuplicate);
  CHECK(centre.Statistics().counts.conflicts == 2);
  CHECK(centre.Entries().size() == 4);
}

TEST_CASE("A fork shows at the links to both neighbours") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(2);
  Chain clone = chain;
  chain.CaptureMany(3);
  clone.CaptureMany(3);
  SECTION("the record before it") {
    centre.Send(chain.Batch(1, 3));
    const auto result = centre.Send(clone.At(4));
    CHECK(result.disposition == kConflict);
    CHECK_THAT(result.detail, Catch::Contains("follows a record"));
  }
  SECTION("the record after it") {
    centre.Send(chain.At(4));
    const auto result = centre.Send(clone.At(3));
    CHECK(result.disposition == kConflict);
    CHECK_THAT(result.detail, Catch::Contains("is named by the record after it"));
    CHECK(centre.Send(chain.At(3)).disposition == kAccepted);
  }
  SECTION("within one batch") {
    const auto results = centre.Send({1, 7, {chain.At(3), clone.At(4)}});
    CHECK(DispositionsOf(results) == Dispositions{kAccepted, kConflict});
  }
}

TEST_CASE("A lane waits for its predecessor, known by its hash") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.Capture("A");
  chain.Capture("B");
  Chain clone = chain;
  chain.Capture("A");
  chain.Capture("A");
  SECTION("absent, then there") {
    const auto held = centre.Send(chain.At(3));
    CHECK(held.disposition == kRetry);
    CHECK(held.lane_held);
    CHECK(centre.State(7).accepted.empty());
    CHECK(centre.Send(chain.At(1)).disposition == kAccepted);
    CHECK(centre.Send(chain.At(4)).disposition == kRetry);
    CHECK(centre.Send(chain.At(3)).disposition == kAccepted);
    CHECK(centre.Send(chain.At(4)).disposition == kAccepted);
  }
  SECTION("in the same batch") {
    CHECK(DispositionsOf(centre.Send(chain.Batch(1, 4))) == Dispositions(4, kAccepted));
  }
  SECTION("another record of that number does not do") {
    clone.Capture("C");
    centre.Send(clone.Batch(1, 3));
    Chain next(8);
    next.ContinueLane(chain.At(3));
    next.Capture("A");
    CHECK(centre.Send(next.At(1)).lane_held);
  }
  SECTION("other lanes overtake") {
    CHECK(centre.Send(chain.At(4)).disposition == kRetry);
    CHECK(centre.Send(chain.At(2)).disposition == kAccepted);
  }
}

TEST_CASE("A lane goes on across epochs") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain old_epoch(7);
  old_epoch.CaptureMany(2);
  old_epoch.Capture("A");
  old_epoch.CaptureMany(1);
  Chain new_epoch(8);
  new_epoch.ContinueLane(old_epoch.At(3));
  new_epoch.Capture("A");
  CHECK(centre.Send(new_epoch.At(1)).lane_held);
  centre.Send(old_epoch.Batch(1, 4));
  CHECK(centre.Send(new_epoch.At(1)).disposition == kAccepted);
}

TEST_CASE("An event that breaks a rule is parked, and only its lane waits") {
  Centre centre(GENERATE(ALL_LEDGERS));
  centre.rules.max_lines = 3;
  Chain chain(7);
  chain.Capture("A", 4);
  chain.Capture("B");
  chain.Capture("A");
  const auto results = centre.Send(chain.Batch(1, 3));
  CHECK(DispositionsOf(results) == Dispositions{kParked, kAccepted, kRetry});
  CHECK(results[0].park_reason == ParkReason::kTooManyLines);
  CHECK_THAT(results[0].detail, Catch::Contains("4 lines") && Catch::Contains("max_lines is 3"));
  CHECK(results[2].lane_held);
  CHECK(centre.Statistics().parked == 1);

  SECTION("again under the same rule: parked again") {
    CHECK(centre.Send(chain.At(1)).disposition == kParked);
    CHECK(centre.Statistics().parked == 1);
  }
  SECTION("after the rule was raised: accepted, and its successor") {
    centre.rules.max_lines = 4;
    centre.Restart();
    CHECK(DispositionsOf(centre.Send({1, 7, {chain.At(1), chain.At(3)}})) == Dispositions(2, kAccepted));
    CHECK(centre.Statistics().parked == 0);
    const EpochState state = centre.State(7);
    CHECK(state.parked.empty());
    REQUIRE(state.accepted.size() == 1);
    CHECK(state.accepted[0].last == 3);
  }
}

TEST_CASE("A parked record is listed with its hash and takes part in the comparison") {
  Centre centre(GENERATE(ALL_LEDGERS));
  centre.rules.max_lines = 1;
  Chain chain(7);
  chain.Capture("A");
  Chain clone = chain;
  chain.Capture("B", 2);
  chain.Capture("C");
  clone.Capture("X");
  clone.Capture("Y");
  centre.Send(chain.Batch(1, 2));
  const EpochState state = centre.State(7);
  REQUIRE(state.parked.size() == 1);
  CHECK(state.parked[0].sequence == 2);
  CHECK(state.parked[0].hash == chain.At(2).hash);

  const auto same_place = centre.Send(clone.At(2));
  CHECK(same_place.disposition == kConflict);
  CHECK_THAT(same_place.detail, Catch::Contains("is parked with hash"));
  CHECK(centre.Send(clone.At(3)).disposition == kConflict);  // its link to the parked one
  CHECK(centre.Send(chain.At(3)).disposition == kAccepted);
}

TEST_CASE("The record before a parked one is held to it") {
  Centre centre(GENERATE(ALL_LEDGERS));
  centre.rules.max_lines = 1;
  Chain chain(7);
  Chain clone = chain;
  chain.Capture("A");
  chain.Capture("B", 2);
  clone.Capture("X");
  CHECK(centre.Send(chain.At(2)).disposition == kParked);
  CHECK(centre.Send(clone.At(1)).disposition == kConflict);
  CHECK(centre.Send(chain.At(1)).disposition == kAccepted);
}

TEST_CASE("Origin removes duplicates in every direction") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(3);
  Chain moved(8);
  Chain moved_by_clone(9);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    moved.Recapture(chain.At(sequence));
    moved_by_clone.Recapture(chain.At(sequence));
  }
  Chain moved_twice(10);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) moved_twice.Recapture(moved.At(sequence));
  SECTION("the recapture after its original") {
    centre.Send(chain.Batch(1, 3));
    CHECK(DispositionsOf(centre.Send(moved.Batch(1, 3))) == Dispositions(3, kDuplicate));
    CHECK(centre.State(8).accepted.at(0).last_hash == moved.At(3).hash);
    CHECK(DispositionsOf(centre.Send(moved.Batch(1, 3))) == Dispositions(3, kDuplicate));
  }
  SECTION("the original after its recapture") {
    centre.Send(moved.Batch(1, 3));
    CHECK(DispositionsOf(centre.Send(chain.Batch(1, 3))) == Dispositions(3, kDuplicate));
    CHECK(centre.State(7).accepted.at(0).last_hash == chain.At(3).hash);
  }
  SECTION("the recapture after another recapture") {
    centre.Send(moved.Batch(1, 3));
    CHECK(DispositionsOf(centre.Send(moved_by_clone.Batch(1, 3))) == Dispositions(3, kDuplicate));
    CHECK(DispositionsOf(centre.Send(moved_twice.Batch(1, 3))) == Dispositions(3, kDuplicate));
  }
  CHECK(centre.Entries().size() == 3);
  CHECK(centre.Statistics().counts.accepted == 3);
}

TEST_CASE("Another record under the origin's number is not taken for the origin") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  Chain clone = chain;
  chain.Capture("A");
  clone.Capture("B");
  centre.Send(chain.At(1));
  Chain moved(8);
  moved.Recapture(clone.At(1));
  CHECK(centre.Send(moved.At(1)).disposition == kAccepted);
  CHECK(centre.Entries().size() == 2);
}

TEST_CASE("A recapture that is accepted supersedes its origin's parked record") {
  Centre centre(GENERATE(ALL_LEDGERS));
  centre.rules.max_lines = 1;
  Chain chain(7);
  chain.Capture("A", 2);
  CHECK(centre.Send(chain.At(1)).disposition == kParked);
  Chain moved(8);
  moved.Recapture(chain.At(1));
  centre.rules.max_lines = 2;
  CHECK(centre.Send(moved.At(1)).disposition == kAccepted);
  CHECK(centre.Statistics().parked == 0);
  CHECK(centre.Send(chain.At(1)).disposition == kDuplicate);
}

TEST_CASE("An event id takes effect once") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  const Record& first = chain.Capture("A");
  centre.Send(first);
  const std::string event = first.event;
  Chain other(8);
  SECTION("the same bytes are recorded and not applied") {
    other.CaptureBytes("order:A", event);
    CHECK(centre.Send(other.At(1)).disposition == kDuplicate);
    CHECK(centre.Entries().size() == 1);
    CHECK(centre.State(8).accepted.size() == 1);
  }
  SECTION("other bytes are parked") {
    const auto id = Uuid::Parse(DecodeEvent(event).value().event_id);
    other.CaptureBytes("order:B", EncodeEvent(MakeEvent(*id, "B")));
    const auto result = centre.Send(other.At(1));
    CHECK(result.disposition == kParked);
    CHECK(result.park_reason == ParkReason::kEventIdReused);
    CHECK(centre.State(8).parked.size() == 1);
  }
  // As another copy of the outbox stamps what a caller named by key and time.
  const auto captured_anew = [&](const auto& change) {
    Event same = DecodeEvent(event).value();
    change(same);
    other.CaptureBytes("order:A", EncodeEvent(same));
    return centre.Send(other.At(1));
  };
  SECTION("the same action, captured anew, is recorded and not applied") {
    const auto result = captured_anew([](Event& same) {
      same.captured = {kNow + std::chrono::hours(1), BootTime(77), true};
      same.boot_id = "another boot";
      same.request.source = EventSource::kSpool;
      same.request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    });
    CHECK(result.disposition == kDuplicate);
    CHECK(centre.Entries().size() == 1);
    CHECK(centre.State(8).accepted.size() == 1);
    CHECK(centre.Statistics().counts.duplicates == 1);
    // What follows it in its lane goes on.
    other.Capture("A");
    CHECK(centre.Send(other.At(2)).disposition == kAccepted);
  }
  SECTION("what the caller supplied is compared, each field of it") {
    const auto result = captured_anew([&](Event& same) {
      switch (GENERATE(0, 1, 2, 3, 4)) {
        case 0:
          same.request.operator_id = "another";
          break;
        case 1:
          same.request.occur_time = kNow + std::chrono::microseconds(1);
          break;
        case 2:
          same.request.idempotency_key = "another";
          break;
        case 3:
          same.request.business_day_date = "2026-05-05";
          break;
        default:
          std::get<OrderCancellation>(same.request.body).lines.at(0).quantity = 2;
      }
    });
    CHECK(result.disposition == kParked);
    CHECK(result.park_reason == ParkReason::kEventIdReused);
    CHECK(centre.Entries().size() == 1);
  }
  SECTION("within one batch") {
    other.CaptureBytes("order:C", EncodeEvent(MakeEvent(Uuid{}, "C")));
    other.CaptureBytes("order:D", EncodeEvent(MakeEvent(Uuid{}, "D")));
    CHECK(DispositionsOf(centre.Send(other.Batch(1, 2))) == Dispositions{kAccepted, kParked});
  }
}

TEST_CASE("An empty batch leaves nothing behind") {
  Centre centre(GENERATE(ALL_LEDGERS));
  CHECK(centre.Send(EventBatch{1, 7, {}}).empty());
  CHECK(centre.Statistics().terminals == 0);
}

}  // namespace
}  // namespace tillwire
