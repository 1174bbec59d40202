// What people see of the outbox and do to it: views, lists, requeue, release, pause.
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

std::vector<std::string> Contents(const std::vector<EventView>& events) {
  std::vector<std::string> contents;
  for (const EventView& event : events) contents.push_back(event.event);
  return contents;
}

// Every page of a query, as a caller reads them.
std::vector<EventView> ListAll(Outbox& outbox, EventQuery query) {
  std::vector<EventView> all;
  while (true) {
    EventPage page = outbox.List(query);
    all.insert(all.end(), page.events.begin(), page.events.end());
    if (page.at_end) return all;
    if (query.newest_first) {
      query.before = page.scanned;
    } else {
      query.after = page.scanned;
    }
  }
}

Result<Outbox::Requeued> Release(OutboxHarness& harness, const Uuid& event_id) {
  return harness.Transact(
      [&](Outbox& box) { return box.Release(event_id, "released by operator 9: a test"); });
}

Outbox::Unannounced Unannounced(OutboxHarness& harness) {
  return harness.Transact([](Outbox& box) { return box.UnannouncedLostRanges(10); });
}

TEST_CASE("each event can be found, with its state") {
  OutboxHarness harness;
  harness.Open();
  std::vector<Uuid> ids;
  for (int i = 1; i <= 6; ++i) {
    ids.push_back(
        harness.Capture(i < 6 ? "order:" + std::to_string(i) : "order:2", std::to_string(i)).event_id);
  }
  harness.Answer({1}, Disposition::kAccepted);
  harness.Answer({2}, Disposition::kParked, ParkReason::kTooManyLines);
  harness.Answer({3}, Disposition::kTombstoned);
  harness.Damage(4);
  harness.Pending();  // finds the damage
  const auto state_of = [&](int event) { return harness.outbox->Find(ids.at(event - 1)).value().state; };
  CHECK(state_of(1) == EventState::kDelivered);
  CHECK(state_of(2) == EventState::kParked);
  CHECK(state_of(3) == EventState::kNotInEffect);
  CHECK(state_of(4) == EventState::kDamaged);
  CHECK(state_of(5) == EventState::kPending);

  const EventView parked = harness.outbox->Find(ids[1]).value();
  CHECK(parked.reason == "TOO_MANY_LINES");
  CHECK(parked.since == harness.clock.WallNow());
  CHECK(parked.event == "event 2");
  CHECK(parked.id.sequence == 2);
  CHECK(harness.outbox->Find(ids[3]).value().event.empty());
  const EventView behind = harness.outbox->Find(ids[5]).value();
  CHECK(behind.held_by == Position{2});
  CHECK(behind.held_by_id == ids[1]);
  const auto unknown = harness.outbox->Find(harness.uuids.Make(harness.clock.WallNow()));
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == ErrorCode::kNotFound);
}

TEST_CASE("an event waits for the first unresolved one of its lane, past those that were given up") {
  OutboxHarness harness;
  harness.Open();
  std::vector<Uuid> ids;
  for (int i = 1; i <= 4; ++i) ids.push_back(harness.Capture("order:A", std::to_string(i)).event_id);
  CHECK(harness.outbox->Find(ids[3]).value().held_by == Position{1});
  harness.Damage(3);
  harness.Pending();  // finds the damage
  CHECK(harness.Pending().records.back().awaits == Position{2});
  harness.Answer({1}, Disposition::kAccepted);
  CHECK(harness.outbox->Find(ids[3]).value().held_by == Position{2});
  harness.Answer({2}, Disposition::kAccepted);
  CHECK_FALSE(harness.outbox->Find(ids[3]).value().held_by);
  CHECK_FALSE(harness.Pending().records.back().awaits);
}

TEST_CASE("a list has what was asked for, both ways, over many pages") {
  OutboxHarness harness;
  harness.Open();
  constexpr Position kEvents = 3 * Outbox::kListPage / 2;
  for (Position i = 1; i <= kEvents; ++i)
    harness.Capture("order:" + std::to_string(i % 5), std::to_string(i));
  std::vector<Position> delivered;
  for (Position i = 101; i <= kEvents - 100; ++i) delivered.push_back(i);
  harness.Answer(delivered, Disposition::kAccepted);
  harness.Answer({7, kEvents}, Disposition::kParked, ParkReason::kTooManyLines);

  EventQuery query;
  std::vector<EventView> all = ListAll(*harness.outbox, query);
  REQUIRE(all.size() == kEvents);
  CHECK(all.front().position == 1);
  query.newest_first = true;
  std::vector<EventView> backwards = ListAll(*harness.outbox, query);
  REQUIRE(backwards.size() == kEvents);
  CHECK(backwards.front().position == kEvents);
  CHECK(backwards.back().position == 1);

  query.states = {EventState::kPending};
  CHECK(ListAll(*harness.outbox, query).size() == 198);
  query.newest_first = false;
  CHECK(ListAll(*harness.outbox, query).size() == 198);
  query.states = {EventState::kParked};
  CHECK(Contents(ListAll(*harness.outbox, query)) ==
        std::vector<std::string>{"event 7", "event " + std::to_string(kEvents)});
  query.states = {EventState::kDelivered, EventState::kParked};
  CHECK(ListAll(*harness.outbox, query).size() == delivered.size() + 2);

  query = {};
  query.lane = "order:2";
  const std::vector<EventView> lane = ListAll(*harness.outbox, query);
  REQUIRE(lane.size() == (kEvents - 2) / 5 + 1);
  CHECK(lane.front().position == 2);
  query.states = {EventState::kParked};
  CHECK(Contents(ListAll(*harness.outbox, query)) == std::vector<std::string>{"event 7"});
  query.lane = "order:none";
  CHECK(ListAll(*harness.outbox, query).empty());

  query = {};
  query.after = kEvents - 3;
  CHECK(ListAll(*harness.outbox, query).size() == 3);
  query.after = 0;
  query.since = all[kEvents - 10].captured_at;
  CHECK(ListAll(*harness.outbox, query).size() == 10);
}

TEST_CASE("an empty outbox lists nothing") {
  OutboxHarness harness;
  harness.Open();
  for (const bool newest_first : {false, true}) {
    EventQuery query;
    query.newest_first = newest_first;
    const EventPage page = harness.outbox->List(query);
    CHECK(page.events.empty());
    CHECK(page.at_end);
  }
}

TEST_CASE("all that is parked for one reason is put back at once") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 5; ++i) harness.Capture("order:" + std::to_string(i), std::to_string(i));
  harness.Answer({1, 3, 4}, Disposition::kParked, ParkReason::kTooManyLines);
  harness.Answer({2}, Disposition::kParked, ParkReason::kStoreNotAllowed);
  const auto requeue = [&](const std::string& reason) {
    return harness.Transact([&](Outbox& box) { return box.RequeueAll(reason); });
  };
  CHECK(requeue("TOO_MANY_LINES") == std::vector<Position>{1, 3, 4});
  CHECK(requeue("TOO_MANY_LINES").empty());
  CHECK(harness.Status().parked == 1);
  CHECK(harness.Status().pending == 4);
  harness.Open();
  CHECK(harness.Status().parked == 1);
}

TEST_CASE("a released event closes its sequence, and its lane goes on") {
  OutboxHarness harness;
  harness.Open();
  std::vector<Captured> events;
  for (int i = 1; i <= 3; ++i) events.push_back(harness.Capture("order:A", std::to_string(i)));
  const Hash hash = harness.Pending().records[0].record.hash;
  harness.Answer({1}, Disposition::kParked, ParkReason::kEventIdReused);
  REQUIRE(Release(harness, events[0].event_id).value().reason == "EVENT_ID_REUSED");

  const auto check = [&] {
    const OutboxStatus status = harness.Status();
    CHECK(status.released == 1);
    CHECK(status.lost == 0);
    CHECK(status.parked == 0);
    CHECK(status.pending == 2);
    CHECK(status.not_in_effect == 0);
    CHECK(status.lost_ranges.empty());
    const EventView view = harness.outbox->Find(events[0].event_id).value();
    CHECK(view.state == EventState::kReleased);
    CHECK(view.detail == "released by operator 9: a test");
  };
  check();
  harness.Open();
  check();

  const auto unannounced = Unannounced(harness);
  CHECK_FALSE(unannounced.held);
  REQUIRE(unannounced.ranges.size() == 1);
  const Tombstone& tombstone = unannounced.ranges[0].tombstone;
  CHECK(tombstone.kind == TombstoneKind::kReleased);
  CHECK(tombstone.first == 1);
  CHECK(tombstone.last == 1);
  CHECK(tombstone.last_hash == hash);
  CHECK(tombstone.cause == "released by operator 9: a test");
  CHECK_FALSE(harness.Pending().records.front().awaits);
}

TEST_CASE("only a parked event can be released, and the first of its lane before the others") {
  OutboxHarness harness;
  harness.Open();
  const Captured first = harness.Capture("order:A", "1");
  const Captured second = harness.Capture("order:A", "2");
  CHECK(Release(harness, first.event_id).error().code == ErrorCode::kFailedPrecondition);
  harness.Answer({1, 2}, Disposition::kParked, ParkReason::kInvalidEvent);
  const auto refused = Release(harness, second.event_id);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains(first.event_id.ToString()));
  REQUIRE(Release(harness, first.event_id).ok());
  CHECK(Release(harness, first.event_id).error().code == ErrorCode::kFailedPrecondition);
  CHECK(Release(harness, second.event_id).ok());
  CHECK(Unannounced(harness).ranges.size() == 2);
  CHECK(harness.outbox->Requeue(first.event_id).error().code == ErrorCode::kFailedPrecondition);
}

TEST_CASE("a tombstone waits until what its lane puts before it is resolved") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:A", "1");
  const Captured second = harness.Capture("order:A", "2");
  harness.Capture("order:A", "3");
  harness.Answer({1}, Disposition::kAccepted);
  harness.Answer({2}, Disposition::kParked, ParkReason::kInvalidEvent);
  REQUIRE(Release(harness, second.event_id).ok());
  // A centre that was restored has lost the first one.
  harness.Transact([](Outbox& box) { return box.ApplyWelcome({}); });
  CHECK(harness.Status().pending == 2);
  CHECK(harness.Status().released == 1);
  CHECK(Unannounced(harness).ranges.empty());
  CHECK(Unannounced(harness).held);
  const PendingPage page = harness.Pending();
  REQUIRE(page.records.size() == 2);
  CHECK(page.records[1].awaits == Position{1});
  harness.Answer({1}, Disposition::kAccepted);
  CHECK(Unannounced(harness).ranges.size() == 1);
}

TEST_CASE("tombstones of a lane are announced in its order, whichever event was given up first") {
  OutboxHarness harness;
  harness.Open();
  const Captured first = harness.Capture("order:A", "1");
  const Captured second = harness.Capture("order:A", "2");
  harness.Answer({1}, Disposition::kParked, ParkReason::kInvalidEvent);
  harness.Damage(2);
  CHECK(harness.Pending().damaged == std::vector<Position>{2});
  REQUIRE(Release(harness, first.event_id).ok());
  const auto ranges = Unannounced(harness).ranges;
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[0].tombstone.first == first.id.sequence);
  CHECK(ranges[1].tombstone.first == second.id.sequence);
  CHECK(harness.Transact([](Outbox& box) { return box.UnannouncedLostRanges(1).ranges; })
            .at(0)
            .tombstone.kind == TombstoneKind::kReleased);
}

TEST_CASE("a fork moves what was given up once its tombstone is refused, and not what is confirmed") {
  OutboxHarness harness;
  harness.Open();
  const Captured released = harness.Capture("order:A", "1");
  harness.Answer({1}, Disposition::kParked, ParkReason::kInvalidEvent);
  REQUIRE(Release(harness, released.event_id).ok());
  const auto before = Unannounced(harness).ranges;
  REQUIRE(before.size() == 1);
  CHECK(before[0].movable);
  SECTION("refused") {
    const MoveReport moved =
        harness.Transact([&](Outbox& box) { return box.MoveSuffix(released.id.epoch, "a test"); });
    CHECK(moved.moved == 1);
    const auto after = Unannounced(harness).ranges;
    REQUIRE(after.size() == 1);
    CHECK(after[0].tombstone.epoch == moved.new_epoch);
    CHECK(harness.Status().released == 1);
  }
  SECTION("confirmed") {
    harness.Transact([&](Outbox& box) {
      box.MarkAnnounced({before[0].row});
      return true;
    });
    const MoveReport moved =
        harness.Transact([&](Outbox& box) { return box.MoveSuffix(released.id.epoch, "a test"); });
    CHECK(moved.moved == 0);
    CHECK(harness.Status().released == 1);
  }
}

TEST_CASE("a fork moves a released event and leaves it released") {
  OutboxHarness harness;
  harness.Open();
  harness.Capture("order:B", "1");
  const Captured released = harness.Capture("order:A", "2");
  harness.Capture("order:A", "3");
  harness.Answer({2}, Disposition::kParked, ParkReason::kInvalidEvent);
  REQUIRE(Release(harness, released.event_id).ok());
  const MoveReport moved =
      harness.Transact([&](Outbox& box) { return box.MoveSuffix(released.id.epoch, "a test"); });
  CHECK(harness.Status().released == 1);
  CHECK(harness.Status().lost == 0);
  const auto view = harness.outbox->Find(released.event_id).value();
  CHECK(view.state == EventState::kReleased);
  const auto unannounced = Unannounced(harness);
  REQUIRE(unannounced.ranges.size() == 1);
  CHECK(unannounced.ranges[0].tombstone.epoch == moved.new_epoch);
  CHECK(unannounced.ranges[0].tombstone.kind == TombstoneKind::kReleased);
  CHECK(unannounced.ranges[0].tombstone.cause == "released by operator 9: a test");
}

TEST_CASE("where the centre has a released event after all, the record wins") {
  OutboxHarness harness;
  harness.Open();
  const Captured first = harness.Capture("order:A", "1");
  const Hash hash = harness.Pending().records[0].record.hash;
  harness.Answer({1}, Disposition::kParked, ParkReason::kInvalidEvent);
  REQUIRE(Release(harness, first.event_id).ok());
  Welcome welcome;
  welcome.epochs.emplace_back();
  welcome.epochs[0].epoch = first.id.epoch;
  welcome.epochs[0].accepted.push_back({1, 1, hash});
  harness.Transact([&](Outbox& box) { return box.ApplyWelcome(welcome); });
  CHECK(harness.Status().released == 0);
  CHECK(harness.Status().delivered == 1);
  CHECK(harness.outbox->Find(first.event_id).value().state == EventState::kDelivered);
}

TEST_CASE("a late answer does not undo a release, but the centre having the event does") {
  OutboxHarness harness;
  harness.Open();
  const Captured event = harness.Capture("order:A", "1");
  harness.Answer({1}, Disposition::kParked, ParkReason::kInvalidEvent);
  REQUIRE(Release(harness, event.event_id).ok());
  harness.Answer({1}, Disposition::kParked, ParkReason::kInvalidEvent);
  CHECK(harness.Status().released == 1);
  CHECK(harness.Status().parked == 0);
  SECTION("by its answer") {
    harness.Answer({1}, Disposition::kAccepted);
  }
  SECTION("by what it says of the tombstone") {
    const auto row = Unannounced(harness).ranges.at(0).row;
    harness.Transact([&](Outbox& box) {
      box.DropLostRanges({row});
      return true;
    });
  }
  const OutboxStatus status = harness.Status();
  CHECK(status.released == 0);
  CHECK(status.delivered == 1);
  CHECK(status.pending == 0);
  CHECK(harness.outbox->Find(event.event_id).value().state == EventState::kDelivered);
}

TEST_CASE("a long lane is listed page by page, both ways") {
  OutboxHarness harness;
  harness.Open();
  constexpr std::size_t kEvents = 2 * Outbox::kListPage + 3;
  for (std::size_t i = 1; i <= kEvents; ++i) harness.Capture("bin:A-07", std::to_string(i));
  EventQuery query;
  query.lane = "bin:A-07";
  const auto ascending = ListAll(*harness.outbox, query);
  REQUIRE(ascending.size() == kEvents);
  CHECK(ascending.front().position == 1);
  CHECK(ascending.back().held_by == Position{1});
  query.newest_first = true;
  const auto descending = ListAll(*harness.outbox, query);
  REQUIRE(descending.size() == kEvents);
  CHECK(descending.front().position == kEvents);
}

TEST_CASE("a pause is kept until it is taken back") {
  OutboxHarness harness;
  harness.Open();
  CHECK_FALSE(harness.outbox->Pause());
  const WallTime now = harness.clock.WallNow();
  const auto set = [&](const std::optional<UplinkPause>& pause) {
    harness.Transact([&](Outbox& box) {
      box.SetPause(pause);
      return true;
    });
  };
  set(UplinkPause{"117", "network works", now, now + std::chrono::hours(1)});
  harness.Open();
  const auto pause = harness.outbox->Pause();
  REQUIRE(pause);
  CHECK(pause->operator_id == "117");
  CHECK(pause->reason == "network works");
  CHECK(pause->since == now);
  CHECK(pause->until == now + std::chrono::hours(1));
  set(std::nullopt);
  CHECK_FALSE(harness.outbox->Pause());
}

}  // namespace
}  // namespace tillwire
