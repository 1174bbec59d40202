// Epochs, forks, losses, and what a Welcome says about them.
#include <fstream>

#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

std::vector<Record> Records(OutboxHarness& harness) {
  std::vector<Record> records;
  for (PendingRecord& pending : harness.Pending().records) records.push_back(std::move(pending.record));
  return records;
}

// A Welcome by a centre that has exactly `sequences` first to last of `epoch`, the last with this hash.
Welcome HasRange(std::uint64_t epoch, std::uint64_t first, std::uint64_t last, const Hash& hash) {
  Welcome welcome;
  EpochState state;
  state.epoch = epoch;
  state.accepted.push_back({first, last, hash});
  welcome.epochs.push_back(state);
  return welcome;
}

WelcomeReport Apply(OutboxHarness& harness, const Welcome& welcome) {
  return harness.Transact([&](Outbox& box) { return box.ApplyWelcome(welcome); });
}

void CopyFiles(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  for (const char* name : {"outbox.db", "outbox.hwm"}) {
    std::filesystem::copy_file(from / name, to / name, std::filesystem::copy_options::overwrite_existing);
  }
}

TEST_CASE("a Welcome marks delivered what it covers with the same hash, and nothing else") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 5; ++i) harness.Capture("order:" + std::to_string(i), std::to_string(i));
  const std::vector<Record> records = Records(harness);
  const std::uint64_t epoch = records[0].id.epoch;

  SECTION("hashes agree") {
    const WelcomeReport report = Apply(harness, HasRange(epoch, 1, 3, records[2].hash));
    CHECK(report.newly_delivered == 3);
    CHECK(harness.Status().pending == 2);
  }
  SECTION("hashes differ") {
    CHECK(Apply(harness, HasRange(epoch, 1, 3, records[1].hash)).newly_delivered == 0);
    CHECK(harness.Status().pending == 5);
  }
  SECTION("the range goes beyond what is here") {
    CHECK(Apply(harness, HasRange(epoch, 1, 9, records[4].hash)).newly_delivered == 0);
  }
  SECTION("a restored centre takes back what it no longer has") {
    harness.Answer({1, 2, 3, 4, 5}, Disposition::kAccepted);
    const WelcomeReport report = Apply(harness, HasRange(epoch, 1, 2, records[1].hash));
    CHECK(report.pending_again == 3);
    CHECK(harness.PendingEvents() == std::vector<std::string>{"event 3", "event 4", "event 5"});
  }
  SECTION("parked here but not there goes back to the queue; parked at both ends stays") {
    harness.Answer({1, 2}, Disposition::kParked, ParkReason::kTooManyLines);
    Welcome welcome = HasRange(epoch, 3, 3, records[2].hash);
    welcome.epochs[0].parked.push_back({2, records[1].hash});
    CHECK(Apply(harness, welcome).pending_again == 1);
    CHECK(harness.Status().parked == 1);
    CHECK(harness.PendingEvents() == std::vector<std::string>{"event 1", "event 4", "event 5"});
  }
}

TEST_CASE("a fork moves the whole suffix into a new epoch, in order, with its origin") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:A", "1");
  harness.Capture("order:A", "2");
  harness.Capture("order:B", "3");
  harness.Capture("order:A", "4");
  const std::vector<Record> before = Records(harness);
  harness.Answer({1}, Disposition::kAccepted);
  harness.Answer({3}, Disposition::kAccepted);
  harness.Answer({4}, Disposition::kParked, ParkReason::kTooManyLines);
  harness.Transact([](Outbox& box) { return box.StartEpoch("a test"); });
  harness.Capture("order:B", "5");

  const MoveReport report =
      harness.Transact([&](Outbox& box) { return box.MoveSuffix(before[0].id.epoch, "a test"); });
  CHECK(report.moved == 4);
  CHECK(report.first_position == 2);
  harness.Open();
  const PendingPage page = harness.Pending();
  REQUIRE(page.records.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const Record& moved = page.records[i].record;
    INFO("record " << i);
    CHECK(moved.id == RecordId{report.new_epoch, i + 1});
    CHECK(moved.HashMatches());
    CHECK(moved.event == "event " + std::to_string(i + 2));
    REQUIRE(moved.origin);
    if (i < 3) CHECK(*moved.origin == RecordRef{before[i + 1].id, before[i + 1].hash});
  }
  CHECK(page.records[0].record.previous_hash ==
        GenesisHash("0417", "till-3", report.new_epoch, before[0].hash));
  CHECK(*page.records[0].record.lane_predecessor == RecordRef{before[0].id, before[0].hash});
  CHECK(*page.records[2].record.lane_predecessor ==
        RecordRef{page.records[0].record.id, page.records[0].record.hash});
  CHECK(*page.records[3].record.lane_predecessor ==
        RecordRef{page.records[1].record.id, page.records[1].record.hash});
  CHECK(harness.Status().parked == 0);

  SECTION("a further fork keeps the first origin") {
    harness.Transact([&](Outbox& box) { return box.MoveSuffix(report.new_epoch, "again"); });
    const std::vector<Record> again = Records(harness);
    REQUIRE(again.size() == 4);
    CHECK(again[0].id.epoch != report.new_epoch);
    CHECK(*again[0].origin == RecordRef{before[1].id, before[1].hash});
  }
  SECTION("captures go on behind it, in the same lanes") {
    const Captured next = harness.Capture("order:A", "6");
    CHECK(next.id == RecordId{report.new_epoch, 5});
    CHECK(Records(harness).back().lane_predecessor->id.sequence == 3);
  }
  SECTION("Hello tells both histories") {
    const auto epochs = harness.Transact([](Outbox& box) { return box.Epochs(); });
    REQUIRE(epochs.size() == 3);
    CHECK(epochs[0].last == 1);
    CHECK(*epochs[0].last_hash == before[0].hash);
    CHECK(epochs[1].last == 0);
    CHECK(epochs[2].epoch == report.new_epoch);
    CHECK(epochs[2].last == 4);
  }
}

TEST_CASE("an outbox put back to an older copy names what is lost and begins a new epoch") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:A", "1");
  harness.Capture("order:A", "2");
  harness.Close();
  const auto copy = harness.directory.Path() / "copy";
  CopyFiles(harness.options.directory, copy);
  harness.Open();
  for (int i = 3; i <= 6; ++i) harness.Capture("order:A", std::to_string(i));
  const std::vector<Record> all = Records(harness);
  const std::uint64_t epoch = all[0].id.epoch;
  harness.Close();
  std::filesystem::copy_file(copy / "outbox.db", harness.options.directory / "outbox.db",
                             std::filesystem::copy_options::overwrite_existing);

  harness.Open();
  OutboxStatus status = harness.Status();
  CHECK(status.epoch != epoch);
  CHECK(status.lost == 4);
  REQUIRE(status.lost_ranges.size() == 1);
  CHECK(status.lost_ranges[0].tombstone.first == 3);
  CHECK(status.lost_ranges[0].tombstone.last == 6);
  CHECK(*status.lost_ranges[0].tombstone.last_hash == all[5].hash);
  CHECK(*status.lost_ranges[0].tombstone.previous_hash == all[1].hash);
  CHECK(harness.Capture("order:A", "7").id.sequence == 1);
  CHECK(harness.PendingEvents() == std::vector<std::string>{"event 1", "event 2", "event 7"});
  harness.Open();
  CHECK(harness.Status().lost == 4);  // told once

  SECTION("what the centre has of it is not lost after all") {
    Apply(harness, HasRange(epoch, 1, 4, all[3].hash));
    status = harness.Status();
    CHECK(status.lost == 2);
    REQUIRE(status.lost_ranges.size() == 1);
    CHECK(status.lost_ranges[0].tombstone.first == 5);
    CHECK(status.lost_ranges[0].tombstone.last == 6);
    const auto unannounced =
        harness.Transact([](Outbox& box) { return box.UnannouncedLostRanges(10).ranges; });
    REQUIRE(unannounced.size() == 1);
    harness.Transact([&](Outbox& box) {
      box.MarkAnnounced({unannounced[0].row});
      return true;
    });
    CHECK(harness.Transact([](Outbox& box) { return box.UnannouncedLostRanges(10).ranges; }).empty());
  }
  SECTION("another copy's events at those sequences save nothing") {
    Apply(harness, HasRange(epoch, 3, 6, Sha256("another history")));
    status = harness.Status();
    CHECK(status.lost == 4);
    REQUIRE(status.lost_ranges.size() == 1);
    CHECK(*status.lost_ranges[0].tombstone.last_hash == all[5].hash);
  }
  SECTION("where the centre's record at the end is not known here, it is asked at every Welcome") {
    for (int i = 0; i < 2; ++i) {
      Apply(harness, HasRange(epoch, 5, 9, Sha256("what follows")));
      status = harness.Status();
      CHECK(status.lost == 4);
      REQUIRE(status.lost_ranges.size() == 2);
      CHECK(status.lost_ranges[0].tombstone.last == 4);
      CHECK_FALSE(status.lost_ranges[0].tombstone.last_hash);
      CHECK(status.lost_ranges[1].tombstone.first == 5);
      CHECK(*status.lost_ranges[1].tombstone.last_hash == all[5].hash);
      CHECK_FALSE(status.lost_ranges[1].announced);
      harness.Transact([&](Outbox& box) {
        box.MarkAnnounced({status.lost_ranges[1].row});
        return true;
      });
    }
    // It says that it has the very record.
    harness.Transact([&](Outbox& box) {
      box.DropLostRanges({status.lost_ranges[1].row});
      return true;
    });
    CHECK(harness.Status().lost == 2);
  }
  SECTION("the centre has all of it") {
    Apply(harness, HasRange(epoch, 1, 6, all[5].hash));
    CHECK(harness.Status().lost == 0);
    CHECK(harness.Status().lost_ranges.empty());
    harness.Open();
    CHECK(harness.Status().lost == 0);
  }
  SECTION("what the centre had of it is named again where the centre is put back to an older copy") {
    Apply(harness, HasRange(epoch, 1, 6, all[5].hash));
    Apply(harness, HasRange(epoch, 1, 4, all[3].hash));
    status = harness.Status();
    CHECK(status.lost == 2);
    REQUIRE(status.lost_ranges.size() == 1);
    CHECK(status.lost_ranges[0].tombstone.first == 5);
    CHECK(*status.lost_ranges[0].tombstone.last_hash == all[5].hash);
    CHECK_FALSE(status.lost_ranges[0].announced);
    Apply(harness, HasRange(epoch, 1, 2, all[1].hash));
    CHECK(harness.Status().lost == 4);
    Apply(harness, HasRange(epoch, 1, 6, all[5].hash));
    CHECK(harness.Status().lost == 0);
  }
  SECTION("so is what the centre said it has when it was told of the loss") {
    const auto unannounced =
        harness.Transact([](Outbox& box) { return box.UnannouncedLostRanges(10).ranges; });
    REQUIRE(unannounced.size() == 1);
    harness.Transact([&](Outbox& box) {
      box.DropLostRanges({unannounced[0].row});
      return true;
    });
    CHECK(harness.Status().lost == 0);
    const auto epochs = harness.Transact([](Outbox& box) { return box.Epochs(); });
    CHECK(std::any_of(epochs.begin(), epochs.end(),
                      [&](const EpochSummary& summary) { return summary.epoch == epoch; }));
    Apply(harness, HasRange(epoch, 1, 2, all[1].hash));
    CHECK(harness.Status().lost == 4);
    CHECK(harness.Transact([](Outbox& box) { return box.UnannouncedLostRanges(10).ranges; }).size() == 1);
  }
}

TEST_CASE("of an outbox whose file is gone, the mark names what is lost, and Hello asks for it") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 3; ++i) harness.Capture("order:A", std::to_string(i));
  const std::vector<Record> all = Records(harness);
  harness.Close();
  std::filesystem::remove(harness.options.directory / "outbox.db");
  harness.Open();
  CHECK(harness.Status().lost == 3);
  const auto epochs = harness.Transact([](Outbox& box) { return box.Epochs(); });
  CHECK(epochs.front().epoch == all[0].id.epoch);
  CHECK(epochs.back().epoch == harness.Status().epoch);

  Apply(harness, HasRange(all[0].id.epoch, 1, 2, all[1].hash));
  REQUIRE(harness.Status().lost_ranges.size() == 1);
  CHECK(harness.Status().lost_ranges[0].tombstone.first == 3);
  CHECK(harness.Status().lost == 1);
}

TEST_CASE(
    "where the file is nearly full and the centre has backed up too little, upkeep asks for a new Welcome") {
  OutboxHarness harness;
  harness.options.max_bytes = 70'000;  // an empty file takes most of it
  harness.Open();
  for (int i = 1; i <= 3; ++i) harness.Capture("order:" + std::to_string(i), std::to_string(i));
  const std::vector<Record> records = Records(harness);
  Welcome welcome = HasRange(records[0].id.epoch, 1, 3, records[2].hash);
  Apply(harness, welcome);
  const auto maintain = [&] {
    return harness.Transact([&](Outbox& box) { return box.Maintain(harness.clock.WallNow()); });
  };
  CHECK(maintain().wants_welcome);
  welcome.epochs[0].backed_up_through = 3;
  welcome.epochs[0].backed_up_hash = records[2].hash;
  Apply(harness, welcome);
  CHECK_FALSE(maintain().wants_welcome);
}

TEST_CASE("a capture into a full outbox is told what would help, and room counts as soon as it is there") {
  OutboxHarness harness;
  harness.options.max_bytes = 512 * 1024;
  harness.options.delivered_max_bytes = 128 * 1024;
  harness.Open();
  const auto capture = [&] {
    return harness.Transact(
        [&](Outbox& box) { return box.Capture(harness.Input("order:A", std::string(1000, 'x'))); });
  };
  const auto problem = [&] {
    const auto result = capture();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::kResourceExhausted);
    return result.error().hint;
  };
  while (capture()) {
  }
  CHECK_THAT(problem(), Catch::StartsWith("restore the connection to the centre"));

  const std::vector<Record> records = Records(harness);
  const auto last = records.back().id.sequence;
  harness.Answer({1}, Disposition::kParked, ParkReason::kTooManyLines);
  CHECK_THAT(problem(), Catch::StartsWith("its oldest event is parked"));

  Welcome welcome = HasRange(records[0].id.epoch, 1, last, records.back().hash);
  Apply(harness, welcome);
  CHECK(harness.Status().pending == 0);
  CHECK_THAT(problem(), Catch::StartsWith("the centre has all of it, and has not said yet"));

  welcome.epochs[0].backed_up_through = last;
  welcome.epochs[0].backed_up_hash = records.back().hash;
  Apply(harness, welcome);
  const auto upkeep = harness.Transact([&](Outbox& box) { return box.Maintain(harness.clock.WallNow()); });
  CHECK(upkeep.pruned);
  CHECK_FALSE(upkeep.nearly_full);
  CHECK_FALSE(upkeep.wants_welcome);
  CHECK(capture().ok());
  CHECK(harness.Status().pending == 1);
  CHECK(harness.Status().delivered == last);
}

TEST_CASE("an outbox that was copied to another machine begins a new epoch before any capture") {
  OutboxHarness harness;
  harness.Open();
  const Captured first = harness.Capture("order:A", "1");
  harness.options.machine_id = "machine-2";
  harness.Open();
  const Captured second = harness.Capture("order:A", "2");
  CHECK(second.id.epoch != first.id.epoch);
  CHECK(second.id.sequence == 1);
  CHECK(harness.Status().epoch_ordinal == 2);
  CHECK(Records(harness)[1].lane_predecessor->id == first.id);
  harness.Open();
  CHECK(harness.Status().epoch == second.id.epoch);
  CHECK(harness.Status().incidents.size() == 1);
}

TEST_CASE("delivered events are pruned by the centre's clock, and never above what it backed up") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 10; ++i) harness.Capture("order:" + std::to_string(i), std::to_string(i));
  const std::vector<Record> records = Records(harness);
  const std::uint64_t epoch = records[0].id.epoch;
  const WallTime day_zero = harness.clock.WallNow();
  const auto maintain = [&](WallTime time) {
    return harness.Transact([&](Outbox& box) { return box.Maintain(time); });
  };
  Welcome welcome = HasRange(epoch, 1, 10, records[9].hash);
  welcome.epochs[0].backed_up_through = 6;
  welcome.epochs[0].backed_up_hash = records[5].hash;
  Apply(harness, welcome);
  maintain(day_zero);
  const auto first_retained = [&] {
    return harness.Transact([](Outbox& box) { return box.Epochs(); }).front().first_retained;
  };
  maintain(day_zero + std::chrono::hours(29 * 24));
  CHECK(first_retained() == 1);
  harness.clock.SetWall(FromMicros(0));  // the terminal's own clock has no say
  maintain(day_zero + std::chrono::hours(31 * 24));
  CHECK(first_retained() == 7);
  harness.Open();
  const auto summary = harness.Transact([](Outbox& box) { return box.Epochs(); }).front();
  CHECK(summary.first_retained == 7);
  CHECK(*summary.hash_below_first_retained == records[5].hash);
  CHECK(harness.Status().delivered == 10);

  SECTION("a centre that lost what was pruned is told so") {
    const WelcomeReport report = Apply(harness, HasRange(epoch, 1, 4, records[3].hash));
    CHECK(report.declared_lost == 2);
    CHECK(report.pending_again == 4);
    const auto lost = harness.Transact([](Outbox& box) { return box.UnannouncedLostRanges(10).ranges; });
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].tombstone.first == 5);
    CHECK(lost[0].tombstone.last == 6);
    CHECK(*lost[0].tombstone.last_hash == records[5].hash);
    Apply(harness, HasRange(epoch, 1, 4, records[3].hash));
    CHECK(harness.Status().lost == 2);
    // Each time it loses them they count once, whatever part of them it had in between.
    for (const std::uint64_t had : {6, 5, 6}) {
      Apply(harness, HasRange(epoch, 1, had, records[had - 1].hash));
      CHECK(harness.Status().lost == 6 - had);
      Apply(harness, HasRange(epoch, 1, 4, records[3].hash));
      CHECK(harness.Status().lost == 2);
    }
  }
  SECTION("too many delivered bytes are pruned before their time, the newest last") {
    welcome.epochs[0].backed_up_through = 10;
    welcome.epochs[0].backed_up_hash = records[9].hash;
    Apply(harness, welcome);
    harness.options.delivered_max_bytes = 1;
    harness.Open();
    maintain(day_zero + std::chrono::hours(1));
    CHECK(first_retained() == 10);
    CHECK(harness.Capture("order:x", "11").id.sequence == 11);
    CHECK(Records(harness).back().previous_hash == records[9].hash);
  }
}

TEST_CASE("a key is kept as long as its event is, however old it is") {
  OutboxHarness harness;
  harness.Open();
  CaptureInput input = harness.Input("order:A", "1");
  input.idempotency = CaptureInput::Idempotency{Sha256("key"), Sha256("content")};
  harness.Transact([&](Outbox& box) { return box.Capture(input).ok(); });
  const WallTime day_zero = harness.clock.WallNow();
  for (const int day : {0, 100, 200})
    harness.Transact([&](Outbox& box) { return box.Maintain(day_zero + std::chrono::hours(24 * day)); });
  const auto repeat = harness.Transact([&](Outbox& box) { return box.Capture(input); });
  REQUIRE(repeat.ok());
  CHECK(repeat->repeated);
}

TEST_CASE("idempotency keys outlive their event and end after their retention") {
  OutboxHarness harness;
  harness.Open();
  CaptureInput input = harness.Input("order:A", "1");
  input.idempotency = CaptureInput::Idempotency{Sha256("key"), Sha256("content")};
  harness.Transact([&](Outbox& box) { return box.Capture(input).ok(); });
  harness.Capture("order:B", "2");
  const std::vector<Record> records = Records(harness);
  Welcome welcome = HasRange(records[0].id.epoch, 1, 2, records[1].hash);
  welcome.epochs[0].backed_up_through = 2;
  welcome.epochs[0].backed_up_hash = records[1].hash;
  Apply(harness, welcome);
  const WallTime day_zero = harness.clock.WallNow();
  const auto at_day = [&](int day) {
    harness.Transact([&](Outbox& box) { return box.Maintain(day_zero + std::chrono::hours(24 * day)); });
    CaptureInput repeat = harness.Input("order:A", "1");
    repeat.idempotency = input.idempotency;
    return harness.Transact([&](Outbox& box) { return box.Capture(repeat); });
  };
  CHECK(at_day(0).ok());
  const auto pruned = at_day(60);
  REQUIRE(pruned.ok());
  CHECK(pruned.value().repeated);
  CHECK(pruned.value().event_id == input.event_id);
  const auto forgotten = at_day(91);
  REQUIRE(forgotten.ok());
  CHECK_FALSE(forgotten.value().repeated);
}

}  // namespace
}  // namespace tillwire
