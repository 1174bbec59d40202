// Capture, what waits, and what the centre answered.
#include <SQLiteCpp/SQLiteCpp.h>
#include <unistd.h>

#include <fstream>

#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

TEST_CASE("captures get gap-free sequences in one hash chain") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 3; ++i)
    CHECK(harness.Capture("order:" + std::to_string(i), std::to_string(i)).id.sequence ==
          static_cast<std::uint64_t>(i));

  const PendingPage page = harness.Pending();
  REQUIRE(page.records.size() == 3);
  CHECK(page.at_end);
  const std::uint64_t epoch = harness.Status().epoch;
  Hash previous = GenesisHash("0417", "till-3", epoch, Hash{});
  for (const PendingRecord& pending : page.records) {
    CHECK(pending.record.id.epoch == epoch);
    CHECK(pending.record.previous_hash == previous);
    CHECK(pending.record.HashMatches());
    CHECK_FALSE(pending.record.lane_predecessor);
    previous = pending.record.hash;
  }
}

TEST_CASE("a lane's events name their predecessor with its hash") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:A", "1");
  harness.Capture("order:B", "2");
  harness.Capture("order:A", "3");
  const PendingPage page = harness.Pending();
  REQUIRE(page.records.size() == 3);
  CHECK_FALSE(page.records[1].record.lane_predecessor);
  REQUIRE(page.records[2].record.lane_predecessor);
  CHECK(*page.records[2].record.lane_predecessor ==
        RecordRef{page.records[0].record.id, page.records[0].record.hash});
  CHECK(page.records[2].awaits == Position{1});

  harness.Answer({1}, Disposition::kAccepted);
  CHECK_FALSE(harness.Pending().records.back().awaits);
}

TEST_CASE("a clear joins the lane of the cancellation that it names, where it is known") {
  OutboxHarness harness;
  harness.Open();
  const Captured cancellation = harness.Capture("order:A", "cancel");
  CaptureInput clear = harness.Input("bin:7", "clear");
  clear.joins_lane_of = cancellation.event_id;
  CaptureInput stranger = harness.Input("bin:8", "clear");
  stranger.joins_lane_of = harness.uuids.Make(harness.clock.WallNow());
  harness.Transact([&](Outbox& box) { return box.Capture(clear).ok() && box.Capture(stranger).ok(); });
  const PendingPage page = harness.Pending();
  CHECK(page.records[1].record.lane == "order:A");
  CHECK(page.records[1].awaits == Position{1});
  CHECK(page.records[2].record.lane == "bin:8");
}

TEST_CASE("a repeated key returns the first capture, with other content it is refused") {
  OutboxHarness harness;
  harness.Open();
  CaptureInput input = harness.Input("order:A", "1");
  input.idempotency = CaptureInput::Idempotency{Sha256("key"), Sha256("content")};
  const auto first = harness.Transact([&](Outbox& box) { return box.Capture(input); });
  REQUIRE(first.ok());

  CaptureInput repeat = harness.Input("order:A", "1");
  repeat.idempotency = input.idempotency;
  harness.Open();  // also over a restart
  const auto second = harness.Transact([&](Outbox& box) { return box.Capture(repeat); });
  REQUIRE(second.ok());
  CHECK(second.value().repeated);
  CHECK(second.value().event_id == first.value().event_id);
  CHECK(second.value().id == first.value().id);

  repeat.idempotency->content = Sha256("other");
  const auto clash = harness.Transact([&](Outbox& box) { return box.Capture(repeat); });
  REQUIRE_FALSE(clash.ok());
  CHECK(clash.error().code == ErrorCode::kAlreadyExists);
  CHECK(harness.Status().pending == 1);
}

TEST_CASE("an id from outside that another event has is refused, but a repeat with it is a repeat") {
  OutboxHarness harness;
  harness.Open();
  CaptureInput input = harness.Input("order:A", "1");
  input.id_from_outside = true;
  input.idempotency = CaptureInput::Idempotency{Sha256("key"), Sha256("content")};
  const auto capture = [&] { return harness.Transact([&](Outbox& box) { return box.Capture(input); }); };
  REQUIRE(capture().ok());
  CHECK(capture()->repeated);
  input.idempotency->key = Sha256("another key");
  const auto clash = capture();
  REQUIRE_FALSE(clash.ok());
  CHECK(clash.error().code == ErrorCode::kAlreadyExists);
  CHECK(clash.error().message == "event_id " + input.event_id.ToString() + " is that of another event here");
  CHECK(harness.Status().pending == 1);
}

TEST_CASE("events are listed by the beginning of their ids, in the order of these") {
  OutboxHarness harness;
  harness.Open();
  std::vector<Uuid> ids;
  for (int i = 0; i < 5; ++i) {
    CaptureInput input = harness.Input("order:A", std::to_string(i));
    input.event_id = *Uuid::Parse("01980000-000" + std::to_string(5 - i) + "-7000-8000-000000000001");
    ids.push_back(input.event_id);
    REQUIRE(harness.Transact([&](Outbox& box) { return box.Capture(input); }).ok());
  }
  const auto list = [&](const char* beginning) {
    EventQuery query;
    query.ids = UuidsThatBegin(beginning);
    std::vector<Uuid> found;
    for (const auto& event : harness.outbox->List(query).events) found.push_back(event.event_id);
    return found;
  };
  CHECK(list("01980000") == std::vector<Uuid>(ids.rbegin(), ids.rend()));
  CHECK(list("01980000-0003-7") == std::vector<Uuid>{ids[2]});
  CHECK(list(ids[4].ToString().c_str()) == std::vector<Uuid>{ids[4]});
  CHECK(list("01980001").empty());
}

TEST_CASE("a rollback leaves no trace, in memory neither") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:A", "1");
  harness.outbox->Begin();
  REQUIRE(harness.outbox->Capture(harness.Input("order:A", "lost")).ok());
  harness.outbox->Rollback();
  CHECK(harness.Capture("order:A", "2").id.sequence == 2);
  const PendingPage page = harness.Pending();
  REQUIRE(page.records.size() == 2);
  CHECK(page.records[1].record.previous_hash == page.records[0].record.hash);
  CHECK(page.records[1].record.lane_predecessor->hash == page.records[0].record.hash);
}

TEST_CASE("the limit on bytes refuses captures by name and spares what is stored") {
  OutboxHarness harness;
  harness.options.max_bytes = 256 * 1024;
  harness.Open();
  std::optional<Error> refused;
  int stored = 0;
  for (; stored < 1000 && !refused; ++stored) {
    const auto result = harness.Transact(
        [&](Outbox& box) { return box.Capture(harness.Input("order:A", std::string(1000, 'x'))); });
    if (!result) refused = result.error();
  }
  REQUIRE(refused);
  CHECK(refused->code == ErrorCode::kResourceExhausted);
  CHECK(refused->Text().find("outbox.max_bytes") != std::string::npos);
  CHECK(harness.Status().pending == static_cast<std::uint64_t>(stored - 1));
}

TEST_CASE("what is delivered is held as ranges and does not come again") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 6; ++i) harness.Capture("order:" + std::to_string(i), std::to_string(i));
  harness.Answer({1, 2, 5}, Disposition::kAccepted);
  harness.Answer({3}, Disposition::kDuplicate);
  harness.Open();
  CHECK(harness.PendingEvents() == std::vector<std::string>{"event 4", "event 6"});
  CHECK(harness.Status().delivered == 4);
  CHECK(harness.Status().pending == 2);
  harness.Close();
  SQLite::Database file((harness.options.directory / "outbox.db").string());
  CHECK(file.execAndGet("SELECT count(*) FROM delivered").getInt() == 2);
}

TEST_CASE("pages are bounded by records and bytes, and go on where the last ended") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 5; ++i) harness.Capture("order:" + std::to_string(i), std::string(100, 'x'));
  const PendingPage first = harness.Pending(0, 2);
  CHECK(first.records.size() == 2);
  CHECK(first.scanned_through == 2);
  CHECK_FALSE(first.at_end);
  const PendingPage by_bytes = harness.Transact([](Outbox& box) { return box.ReadPending(2, 100, 250); });
  CHECK(by_bytes.records.size() == 2);
  CHECK(by_bytes.scanned_through == 4);
  const PendingPage oversized = harness.Transact([](Outbox& box) { return box.ReadPending(2, 100, 1); });
  CHECK(oversized.records.size() == 1);
  CHECK(harness.Pending(4).at_end);
}

TEST_CASE("a parked event waits for a person, who can put it back") {
  OutboxHarness harness;
  harness.Open();
  const Captured parked = harness.Capture("order:A", "1");
  const Captured fine = harness.Capture("order:B", "2");
  harness.Answer({1}, Disposition::kParked, ParkReason::kTooManyLines);
  harness.Open();
  CHECK(harness.PendingEvents() == std::vector<std::string>{"event 2"});
  const OutboxStatus status = harness.Status();
  REQUIRE(status.parked_events.size() == 1);
  CHECK(status.parked_events[0].event_id == parked.event_id);
  CHECK(status.parked_events[0].reason == "TOO_MANY_LINES");
  CHECK(status.parked_events[0].lane == "order:A");

  const auto requeue = [&](const Uuid& id) {
    return harness.Transact([&](Outbox& box) { return box.Requeue(id); });
  };
  CHECK(requeue(fine.event_id).error().code == ErrorCode::kFailedPrecondition);
  CHECK(requeue(Uuid{}).error().code == ErrorCode::kNotFound);
  const auto requeued = requeue(parked.event_id);
  REQUIRE(requeued.ok());
  CHECK(requeued.value().position == 1);
  CHECK(requeued.value().reason == "TOO_MANY_LINES");
  CHECK(harness.PendingEvents().size() == 2);
}

TEST_CASE("an event whose bytes were damaged on disk is given up by name, and the rest flows") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:X", "1");
  const Captured damaged = harness.Capture("order:A", "2");
  harness.Capture("order:A", "3");
  harness.Damage(2);
  const PendingPage page = harness.Pending();
  CHECK(page.damaged == std::vector<Position>{2});
  CHECK(harness.PendingEvents() == std::vector<std::string>{"event 1", "event 3"});
  CHECK_FALSE(harness.Pending().records[1].awaits);
  const OutboxStatus status = harness.Status();
  CHECK(status.pending == 2);
  CHECK(status.lost == 1);
  REQUIRE(status.lost_ranges.size() == 1);
  CHECK(status.lost_ranges[0].tombstone.kind == TombstoneKind::kDamaged);
  CHECK(status.lost_ranges[0].tombstone.first == damaged.id.sequence);
  const auto requeued = harness.Transact([&](Outbox& box) { return box.Requeue(damaged.event_id); });
  CHECK(requeued.error().code == ErrorCode::kFailedPrecondition);
  CHECK(requeued.error().message.find("damaged") != std::string::npos);

  // A fork gives it a new identity, under which it is given up again.
  const MoveReport moved =
      harness.Transact([&](Outbox& box) { return box.MoveSuffix(damaged.id.epoch, "a test"); });
  CHECK(moved.moved == 3);
  CHECK(harness.Status().lost == 1);
  REQUIRE(harness.Status().lost_ranges.size() == 1);
  CHECK(harness.Status().lost_ranges[0].tombstone.epoch == moved.new_epoch);
  CHECK(harness.PendingEvents() == std::vector<std::string>{"event 1", "event 3"});
}

TEST_CASE("an outbox is refused where it does not belong, and left alone") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:A", "1");
  SECTION("while another process or object owns it") {
    const auto second = harness.TryOpen();
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().Text().find("is locked by process " + std::to_string(getpid())) !=
          std::string::npos);
  }
  SECTION("under another terminal's name") {
    harness.Close();
    harness.options.terminal_id = "till-4";
    const auto other = harness.TryOpen();
    REQUIRE_FALSE(other.ok());
    CHECK(other.error().code == ErrorCode::kFailedPrecondition);
    CHECK(other.error().Text().find("till-3") != std::string::npos);
    harness.options.terminal_id = "till-3";
    harness.Open();
    CHECK(harness.Status().pending == 1);
  }
  SECTION("with a newer schema") {
    harness.Close();
    {
      SQLite::Database file((harness.options.directory / "outbox.db").string(), SQLite::OPEN_READWRITE);
      file.exec("PRAGMA user_version = 99");
    }
    const auto newer = harness.TryOpen();
    REQUIRE_FALSE(newer.ok());
    CHECK(newer.error().code == ErrorCode::kFailedPrecondition);
    CHECK(newer.error().Text().find("schema version 99") != std::string::npos);
    {
      SQLite::Database file((harness.options.directory / "outbox.db").string(), SQLite::OPEN_READWRITE);
      CHECK(file.execAndGet("PRAGMA user_version").getInt() == 99);
      CHECK(file.execAndGet("SELECT count(*) FROM events").getInt() == 1);
    }
  }
}

}  // namespace
}  // namespace tillwire
