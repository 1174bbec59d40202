// What people do to the uplink: hold it back, give an event up, ask about one.
#include "tests/agent/uplink/terminal.h"

namespace tillwire {
namespace {

using std::chrono::seconds;

TEST_CASE("an operator's pause ends the stream, lasts its time, and can be ended early") {
  Terminal terminal;
  terminal.Connect();
  terminal.Do(terminal.machine->OnPaused(terminal.Now(), terminal.Now() + seconds(600)));
  CHECK(terminal.machine->Held(terminal.Now()));
  CHECK(terminal.closed == 1);
  terminal.Capture("order:A", "1");
  CHECK(terminal.sent.empty());
  SECTION("a returned link does not end it") {
    terminal.Do(terminal.machine->OnLinkUp(terminal.Now()));
    terminal.Advance(seconds(590));
    CHECK(terminal.opened == 1);
    terminal.Advance(seconds(10));
    CHECK(terminal.opened == 2);
    CHECK_FALSE(terminal.machine->Held(terminal.Now()));
  }
  SECTION("a person does") {
    terminal.Do(terminal.machine->OnResumed(terminal.Now()));
    CHECK(terminal.opened == 2);
  }
  terminal.Deliver(Welcome{});
  CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 1"});
}

TEST_CASE("resuming during a pushback goes on when that ends, not when the pause would have ended") {
  Terminal terminal;
  terminal.Connect();
  terminal.Deliver(Pushback{seconds(60)});
  terminal.Do(terminal.machine->OnPaused(terminal.Now(), terminal.Now() + seconds(3600)));
  terminal.Advance(seconds(10));
  terminal.Do(terminal.machine->OnResumed(terminal.Now()));
  CHECK(terminal.opened == 1);
  terminal.Advance(seconds(50));
  CHECK(terminal.opened == 2);
}

TEST_CASE("a pause that an earlier run began goes on") {
  Terminal terminal;
  terminal.Do(terminal.machine->Start(terminal.Now(), terminal.Now() + seconds(60)));
  CHECK(terminal.opened == 0);
  terminal.Advance(seconds(60));
  CHECK(terminal.opened == 1);
}

TEST_CASE("a released event is announced within its lane's order, and its successor follows") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Capture("order:A", "2");
  terminal.Connect();
  const EventBatch batch = terminal.Take();
  terminal.Answer(batch, [](const Record& record) {
    if (record.event == "event 1") return Terminal::Of(Disposition::kParked);
    RecordResult held = Terminal::Of(Disposition::kRetry);
    held.lane_held = true;
    return held;
  });
  EventQuery parked;
  parked.states = {EventState::kParked};
  const Uuid event_id = terminal.harness.outbox->List(parked).events.at(0).event_id;
  terminal.harness.Transact([&](Outbox& box) { return box.Release(event_id, "a test").ok(); });
  terminal.Do(terminal.machine->OnReleased(terminal.Now()));
  REQUIRE(terminal.sent.size() == 1);
  const auto tombstones = std::get<Tombstones>(terminal.sent.front());
  terminal.sent.clear();
  REQUIRE(tombstones.tombstones.size() == 1);
  CHECK(tombstones.tombstones[0].kind == TombstoneKind::kReleased);
  BatchResult result{tombstones.batch_id, {Terminal::Of(Disposition::kTombstoned)}};
  terminal.Deliver(result);
  CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 2"});
}

TEST_CASE("what an event is waiting for can be asked") {
  Terminal terminal;
  terminal.Connect();
  terminal.Capture("order:A", "1");
  CHECK(terminal.machine->InFlight(1));
  const EventBatch batch = terminal.Take();
  terminal.Answer(batch, [](const Record&) {
    RecordResult later = Terminal::Of(Disposition::kRetry);
    later.retry_delay = seconds(5);
    return later;
  });
  CHECK_FALSE(terminal.machine->InFlight(1));
  CHECK(terminal.machine->RetryAt(1) == terminal.Now() + seconds(5));
  CHECK_FALSE(terminal.machine->RetryAt(2));
}

}  // namespace
}  // namespace tillwire
