// What the uplink does for an outbox that is full.
#include <catch2/catch.hpp>

#include "tests/agent/uplink/terminal.h"

namespace tillwire {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A terminal whose outbox takes no more.
class FullTerminal : public Terminal {
 public:
  FullTerminal() {
    harness.options.max_bytes = 512 * 1024;
    harness.options.delivered_max_bytes = 128 * 1024;
    harness.Open();
    while (TryCapture()) {
    }
  }

  bool TryCapture() {
    const auto input = harness.Input("order:A", std::string(1000, 'x'));
    const bool stored = harness.Transact([&](Outbox& box) { return box.Capture(input).ok(); });
    if (!stored) Do(machine->OnRoomWanted(Now()));
    return stored;
  }

  // As a centre does that has all, backed up or not.
  [[nodiscard]] Welcome HasAll(bool backed_up) {
    Welcome welcome;
    welcome.server_time = harness.clock.WallNow();
    for (const EpochSummary& summary : harness.Transact([](Outbox& box) { return box.Epochs(); })) {
      EpochState state;
      state.epoch = summary.epoch;
      state.accepted.push_back({1, summary.last, *summary.last_hash});
      if (backed_up) state.backed_up_through = summary.last;
      if (backed_up) state.backed_up_hash = *summary.last_hash;
      welcome.epochs.push_back(state);
    }
    return welcome;
  }

  void Drain() {
    while (harness.Status().pending > 0) Accept(Take());
  }
};

TEST_CASE("as soon as a full outbox has drained, a Welcome is asked for, and captures go on") {
  FullTerminal terminal;
  terminal.Connect();
  terminal.Advance(milliseconds(600));
  terminal.Drain();
  CHECK(terminal.opened == 1);
  terminal.Advance(milliseconds(300));
  CHECK(terminal.opened == 2);
  REQUIRE(terminal.machine->state() == UplinkMachine::State::kGreeting);
  terminal.Deliver(terminal.HasAll(true));
  terminal.Advance(milliseconds(0));  // no time passes
  CHECK(terminal.TryCapture());
}

TEST_CASE("a refused capture asks for room while the queue still drains") {
  FullTerminal terminal;
  terminal.Connect();
  terminal.Advance(seconds(1));
  terminal.Accept(terminal.Take());
  CHECK(terminal.harness.Status().pending > 0);
  CHECK_FALSE(terminal.TryCapture());
  terminal.Drain();
  terminal.Advance(seconds(1));
  CHECK(terminal.opened == 2);
}

TEST_CASE("a centre whose backup is late is asked less and less") {
  FullTerminal terminal;
  terminal.Connect();
  terminal.Drain();
  const BootTime end = terminal.Now() + std::chrono::minutes(20);
  while (terminal.Now() < end) {
    if (terminal.machine->state() == UplinkMachine::State::kGreeting)
      terminal.Deliver(terminal.HasAll(false));
    CHECK_FALSE(terminal.TryCapture());
    terminal.Advance(milliseconds(500));
  }
  CHECK(terminal.opened > 10);
  CHECK(terminal.opened < 40);
}

}  // namespace
}  // namespace tillwire
