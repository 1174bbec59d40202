// The uplink's logic over a real outbox, with the test as the centre and as time.
#include "agent/uplink/uplink_machine.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/agent/uplink/terminal.h"

namespace tillwire {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const StreamEnd kGone{UplinkProblem::kUnreachable, "gone", "wait"};

TEST_CASE("what was captured before and during the stream is sent once and marked delivered") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Capture("order:A", "2");
  terminal.Connect();
  const EventBatch backlog = terminal.Take();
  CHECK(Terminal::Events(backlog) == std::vector<std::string>{"event 1", "event 2"});
  terminal.Capture("order:A", "3");
  const EventBatch fresh = terminal.Take();
  CHECK(Terminal::Events(fresh) == std::vector<std::string>{"event 3"});
  terminal.Accept(backlog);
  terminal.Accept(fresh);
  CHECK(terminal.sent.empty());
  CHECK(terminal.harness.Status().pending == 0);
}

TEST_CASE("Hello names the terminal, its epochs, and a stream generation that grows") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Start();
  REQUIRE(terminal.sent.size() == 1);
  const Hello first = std::get<Hello>(terminal.sent.front());
  CHECK(first.store_id == "0417");
  CHECK(first.terminal_id == "till-3");
  REQUIRE(first.epochs.size() == 1);
  CHECK(first.epochs[0].last == 1);
  terminal.Close(kGone);
  terminal.AdvanceToWakeup();
  const Hello second = std::get<Hello>(terminal.sent.front());
  CHECK(second.stream_generation > first.stream_generation);
  CHECK(second.instance_id == first.instance_id);
}

TEST_CASE("no more batches than the window are unanswered, and each within its limits") {
  StreamLimits limits;
  limits.max_batch_records = 5;
  limits.window_batches = 3;
  Terminal terminal(limits);
  for (int i = 0; i < 100; ++i) terminal.harness.Capture("order:" + std::to_string(i), std::to_string(i));
  SECTION("its own") {
    terminal.Connect();
    CHECK(terminal.sent.size() == 1 + 3);  // Hello was first
    const EventBatch first = terminal.Take();
    CHECK(first.records.size() == 5);
    terminal.Accept(first);
    CHECK(terminal.sent.size() == 3);
  }
  SECTION("the server's, where those are lower") {
    Welcome welcome;
    welcome.limits = {3, 1 << 20, 1};
    terminal.Connect(welcome);
    CHECK(terminal.sent.size() == 1 + 1);
    CHECK(terminal.Take().records.size() == 3);
  }
}

TEST_CASE("a fresh capture does not wait behind the backlog") {
  StreamLimits limits;
  limits.max_batch_records = 10;
  limits.window_batches = 1;
  Terminal terminal(limits);
  for (int i = 0; i < 100; ++i) terminal.harness.Capture("order:" + std::to_string(i), std::to_string(i));
  terminal.Connect();
  const EventBatch first = terminal.Take();
  terminal.Capture("order:now", "now");
  terminal.Accept(first);
  CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event now"});
}

TEST_CASE("a fresh capture waits for its own lane") {
  StreamLimits limits;
  limits.max_batch_records = 10;
  limits.window_batches = 1;
  Terminal terminal(limits);
  for (int i = 0; i < 30; ++i) terminal.harness.Capture("order:" + std::to_string(i), std::to_string(i));
  terminal.Connect();
  terminal.Capture("order:25", "last");
  std::vector<std::string> order;
  while (!terminal.sent.empty()) {
    const EventBatch batch = terminal.Take();
    for (const std::string& event : Terminal::Events(batch)) order.push_back(event);
    terminal.Accept(batch);
  }
  REQUIRE(order.size() == 31);
  const auto place = [&](const std::string& event) { return std::find(order.begin(), order.end(), event); };
  CHECK(place("event 25") < place("event last"));
  CHECK(terminal.harness.Status().pending == 0);
}

TEST_CASE("a parked event holds its own lane only, until it is put back") {
  Terminal terminal;
  terminal.Capture("order:A", "A1");
  terminal.Capture("order:B", "B1");
  terminal.Capture("order:A", "A2");
  terminal.Connect();
  const auto judge = [](const Record& record) {
    if (record.event == "event A1") {
      RecordResult parked = Terminal::Of(Disposition::kParked);
      parked.park_reason = ParkReason::kTooManyLines;
      return parked;
    }
    if (record.event == "event A2") {
      RecordResult held = Terminal::Of(Disposition::kRetry);
      held.lane_held = true;
      return held;
    }
    return Terminal::Of(Disposition::kAccepted);
  };
  terminal.Answer(terminal.Take(), judge);
  CHECK(terminal.harness.Status().parked == 1);
  CHECK(terminal.harness.Status().delivered == 1);
  terminal.Capture("order:A", "A3");
  terminal.Capture("order:B", "B2");
  const EventBatch others = terminal.Take();
  CHECK(Terminal::Events(others) == std::vector<std::string>{"event B2"});
  terminal.Accept(others);
  terminal.Advance(seconds(100));
  CHECK(terminal.sent.empty());

  const Uuid parked = terminal.harness.Status().parked_events.at(0).event_id;
  const auto requeued = terminal.harness.Transact([&](Outbox& box) { return box.Requeue(parked); });
  terminal.Do(terminal.machine->OnRequeued(terminal.Now(), requeued.value().position));
  std::vector<std::string> order;
  while (!terminal.sent.empty()) {
    const EventBatch batch = terminal.Take();
    for (const std::string& event : Terminal::Events(batch)) order.push_back(event);
    terminal.Accept(batch);
  }
  CHECK(order == std::vector<std::string>{"event A1", "event A2", "event A3"});
  CHECK(terminal.harness.Status().pending == 0);
}

TEST_CASE("RETRY is sent again after its delay, and the rest does not wait") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Connect();
  terminal.Answer(terminal.Take(), [](const Record&) {
    RecordResult retry = Terminal::Of(Disposition::kRetry);
    retry.retry_delay = milliseconds(5000);
    return retry;
  });
  terminal.Capture("order:B", "2");
  terminal.Accept(terminal.Take());
  terminal.Advance(milliseconds(3999));  // the second capture took the other second
  CHECK(terminal.sent.empty());
  terminal.Advance(milliseconds(1));
  CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 1"});
}

TEST_CASE("a broken stream is tried again by full jitter, and what was not confirmed is sent again") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Connect();
  terminal.Take();
  std::set<std::int64_t> delays;
  for (int attempt = 0; attempt < 20; ++attempt) {
    terminal.Close({UplinkProblem::kUnreachable, "refused", "wait"});
    REQUIRE(terminal.machine->state() == UplinkMachine::State::kWaiting);
    const BootTime delay = terminal.machine->next_attempt().value() - terminal.Now();
    CHECK(delay <= milliseconds(120'000));
    delays.insert(delay.count());
    CHECK(terminal.machine->failed_attempts() == static_cast<std::uint32_t>(attempt + 1));
    terminal.AdvanceToWakeup();
    REQUIRE(terminal.machine->state() == UplinkMachine::State::kGreeting);
  }
  CHECK(delays.size() > 15);
  terminal.Connect();
  CHECK(terminal.machine->failed_attempts() == 0);
  CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 1"});
}

TEST_CASE("what the Welcome confirms is not sent again") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Capture("order:B", "2");
  const PendingPage page = terminal.harness.Pending();
  Welcome welcome;
  EpochState state;
  state.epoch = page.records[0].record.id.epoch;
  state.accepted.push_back({1, 1, page.records[0].record.hash});
  welcome.epochs.push_back(state);
  terminal.Connect(welcome);
  CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 2"});
}

TEST_CASE("a silent server is given up after the answer timeout, on a new connection") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  SECTION("no Welcome") {
    terminal.Start();
  }
  SECTION("no result") {
    terminal.Connect();
  }
  terminal.Advance(terminal.options.answer_timeout - milliseconds(1));
  CHECK(terminal.closed == 0);
  terminal.Advance(milliseconds(1));
  CHECK(terminal.closed == 1);
  CHECK(terminal.machine->last_failure()->message.find("has not answered for 120 s") != std::string::npos);
  terminal.AdvanceToWakeup();
  CHECK(terminal.opened == 2);
}

TEST_CASE("a conflict moves the suffix into a new epoch and starts over") {
  Terminal terminal;
  for (int i = 1; i <= 3; ++i) terminal.Capture("order:A", std::to_string(i));
  terminal.Connect();
  const EventBatch batch = terminal.Take();
  terminal.Answer(batch, [](const Record& record) {
    return Terminal::Of(record.id.sequence == 1 ? Disposition::kAccepted : Disposition::kConflict);
  });
  CHECK(terminal.closed == 1);
  CHECK(terminal.machine->state() == UplinkMachine::State::kWaiting);
  terminal.AdvanceToWakeup();
  Welcome welcome;
  EpochState state;
  state.epoch = batch.epoch;
  state.accepted.push_back({1, 1, batch.records[0].hash});
  welcome.epochs.push_back(state);
  terminal.Connect(welcome);
  const EventBatch again = terminal.Take();
  CHECK(Terminal::Events(again) == std::vector<std::string>{"event 2", "event 3"});
  CHECK(again.epoch != batch.epoch);
  CHECK(again.records[0].origin == RecordRef{batch.records[1].id, batch.records[1].hash});
  terminal.Accept(again);
  CHECK(terminal.harness.Status().pending == 0);
}

TEST_CASE("told of a later history, it captures into a new epoch, once") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Connect();
  const EventBatch batch = terminal.Take();
  terminal.Deliver(StartNewEpoch{batch.epoch, 2});
  terminal.Deliver(StartNewEpoch{batch.epoch, 2});
  terminal.Capture("order:A", "2");
  const OutboxStatus status = terminal.harness.Status();
  CHECK(status.epoch != batch.epoch);
  CHECK(status.epoch_ordinal == 2);
  CHECK(status.last_sequence == 1);
}

TEST_CASE("Pushback stops the sending for its time") {
  Terminal terminal;
  terminal.Connect();
  terminal.sent.clear();
  terminal.Deliver(Pushback{milliseconds(7000)});
  terminal.Capture("order:A", "1");
  CHECK(terminal.sent.empty());
  CHECK(terminal.machine->PushedBack(terminal.Now()));
  terminal.Advance(milliseconds(7000));
  CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 1"});
}

TEST_CASE("answers against the protocol end the stream and harm nothing") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Connect();
  const EventBatch batch = terminal.Take();
  SECTION("a result for a batch that was not sent") {
    terminal.Deliver(BatchResult{77, {}});
  }
  SECTION("a result with too few entries") {
    terminal.Deliver(BatchResult{batch.batch_id, {}});
  }
  SECTION("a second Welcome") {
    terminal.Deliver(Welcome{});
  }
  CHECK(terminal.closed == 1);
  CHECK(terminal.machine->last_failure()->kind == UplinkProblem::kBroken);
  CHECK(terminal.harness.Status().pending == 1);
}

TEST_CASE("a returned link shortens the wait, but not for a terminal that is not wanted") {
  Terminal terminal;
  terminal.Start();
  const auto fail = [&](UplinkProblem kind) {
    for (int i = 0; i < 12; ++i) {
      terminal.Close({kind, "no", "ask"});
      if (i < 11) terminal.AdvanceToWakeup();
    }
  };
  SECTION("unreachable") {
    fail(UplinkProblem::kUnreachable);
    terminal.Do(terminal.machine->OnLinkUp(terminal.Now()));
    CHECK(terminal.machine->next_attempt().value() - terminal.Now() <= terminal.options.backoff_base);
  }
  SECTION("refused") {
    fail(UplinkProblem::kRefused);
    const auto before = terminal.machine->next_attempt();
    terminal.Do(terminal.machine->OnLinkUp(terminal.Now()));
    CHECK(terminal.machine->next_attempt() == before);
  }
}

TEST_CASE("a returned link replaces a connection that was made before it") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  const auto link_up = [&] { terminal.Do(terminal.machine->OnLinkUp(terminal.Now())); };
  const auto check_renewed = [&] {
    REQUIRE(terminal.machine->state() == UplinkMachine::State::kWaiting);
    CHECK(terminal.closed > 0);
    CHECK(terminal.machine->failed_attempts() == 0);
    CHECK_FALSE(terminal.machine->last_failure());
    CHECK(terminal.machine->next_attempt().value() - terminal.Now() <= terminal.options.backoff_base);
    terminal.AdvanceToWakeup();
    CHECK(terminal.opened == 2);
    terminal.Deliver(Welcome{});
    CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 1"});
  };
  SECTION("one that is open, with something unanswered") {
    terminal.Connect();
    CHECK(Terminal::Events(terminal.Take()) == std::vector<std::string>{"event 1"});
    terminal.Advance(std::chrono::seconds(20));
    link_up();
    check_renewed();
  }
  SECTION("one that has been opening for more than a moment") {
    terminal.Start();
    terminal.Advance(std::chrono::seconds(2));
    link_up();
    check_renewed();
  }
  SECTION("one that had just begun, and does not come about: it may be from an address that is gone") {
    terminal.Start();
    terminal.Advance(std::chrono::milliseconds(300));
    link_up();
    CHECK(terminal.closed == 0);
    terminal.AdvanceToWakeup();
    check_renewed();
  }
  SECTION("but not one that was made since: the kernel announces a return piece by piece") {
    terminal.Start();
    link_up();
    terminal.Deliver(Welcome{});
    terminal.Advance(std::chrono::seconds(2));
    link_up();
    CHECK(terminal.closed == 0);
    CHECK(terminal.machine->state() == UplinkMachine::State::kStreaming);
  }
}

TEST_CASE("a stream begins with little on its way, and has more as answers come promptly") {
  Terminal terminal;
  const std::string event(1000, 'e');
  for (int i = 0; i < 400; ++i) terminal.harness.Capture("order:" + std::to_string(i), event);
  terminal.Connect();
  std::size_t first = 0;
  std::size_t largest = 0;
  for (std::size_t answered = 0; answered < 400;) {
    const EventBatch batch = terminal.Take();
    if (first == 0) first = batch.records.size();
    largest = std::max(largest, batch.records.size());
    answered += batch.records.size();
    terminal.Accept(batch);
  }
  CAPTURE(first, largest);
  CHECK(first * event.size() <= Pace::kFirstBytes / 2);
  CHECK(largest > 4 * first);
  CHECK(terminal.harness.Status().pending == 0);
}

TEST_CASE("a stream that lasts is greeted anew each day, so that what is backed up can be pruned") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Connect();
  terminal.Accept(terminal.Take());
  terminal.Advance(std::chrono::hours(24));
  CHECK(terminal.opened == 2);
  CHECK(terminal.machine->state() == UplinkMachine::State::kGreeting);
  CHECK(terminal.machine->failed_attempts() == 0);
}

TEST_CASE("a damaged event is given up as such, and its lane goes on") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Capture("order:A", "2");
  terminal.Capture("order:B", "3");
  terminal.harness.Damage(1);
  terminal.Connect();
  terminal.sent.pop_front();  // Hello
  std::vector<std::string> order;
  std::vector<Tombstone> tombstones;
  while (!terminal.sent.empty()) {
    ToCentre message = std::move(terminal.sent.front());
    terminal.sent.pop_front();
    if (const auto* lost = std::get_if<Tombstones>(&message)) {
      tombstones.insert(tombstones.end(), lost->tombstones.begin(), lost->tombstones.end());
      terminal.Deliver(BatchResult{lost->batch_id, {Terminal::Of(Disposition::kTombstoned)}});
    } else {
      const EventBatch batch = std::get<EventBatch>(message);
      for (const std::string& event : Terminal::Events(batch)) order.push_back(event);
      terminal.Accept(batch);
    }
  }
  REQUIRE(tombstones.size() == 1);
  CHECK(tombstones[0].first == 1);
  CHECK(tombstones[0].kind == TombstoneKind::kDamaged);
  CHECK(order == std::vector<std::string>{"event 3", "event 2"});
  CHECK(terminal.harness.Status().pending == 0);
  CHECK(terminal.harness.Status().lost == 1);
}

TEST_CASE(
    "where another copy has the sequence of an event that was given up, it is named under a new identity") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Capture("order:A", "2");
  terminal.harness.Damage(1);
  terminal.Connect();
  terminal.sent.pop_front();  // Hello
  Tombstone refused;
  std::vector<Tombstone> taken;
  std::vector<std::string> events;
  for (int round = 0; round < 2; ++round) {
    while (!terminal.sent.empty()) {
      ToCentre message = std::move(terminal.sent.front());
      terminal.sent.pop_front();
      if (const auto* lost = std::get_if<Tombstones>(&message)) {
        REQUIRE(lost->tombstones.size() == 1);
        (round == 0 ? refused : taken.emplace_back()) = lost->tombstones[0];
        const auto answer = round == 0 ? Disposition::kConflict : Disposition::kTombstoned;
        terminal.Deliver(BatchResult{lost->batch_id, {Terminal::Of(answer)}});
        if (round == 0) break;
      } else if (const auto* batch = std::get_if<EventBatch>(&message); batch != nullptr && round == 1) {
        for (const std::string& event : Terminal::Events(*batch)) events.push_back(event);
        terminal.Accept(*batch);
      }
    }
    if (round == 1) break;
    CHECK(terminal.machine->state() == UplinkMachine::State::kWaiting);
    terminal.sent.clear();
    terminal.AdvanceToWakeup();
    terminal.Connect();
    terminal.sent.pop_front();  // Hello
  }
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].epoch != refused.epoch);
  CHECK(events == std::vector<std::string>{"event 2"});
  CHECK(terminal.harness.Status().lost == 1);
  CHECK(terminal.harness.Status().pending == 0);
}

TEST_CASE("an idle connected terminal is woken for upkeep only") {
  Terminal terminal;
  terminal.Connect();
  terminal.Advance(seconds(1));
  CHECK(terminal.maintained == 1);
  REQUIRE(terminal.machine->NextWakeup());
  CHECK(*terminal.machine->NextWakeup() - terminal.Now() > std::chrono::seconds(50));
}

TEST_CASE("lost ranges are announced and noted once they are answered") {
  Terminal terminal;
  terminal.harness.Capture("order:A", "1");
  terminal.harness.Close();
  const auto database = terminal.harness.options.directory / "outbox.db";
  std::filesystem::copy_file(database, terminal.harness.directory.Path() / "old.db");
  terminal.harness.Open();
  terminal.harness.Capture("order:A", "2");
  terminal.harness.Close();
  std::filesystem::copy_file(terminal.harness.directory.Path() / "old.db", database,
                             std::filesystem::copy_options::overwrite_existing);
  terminal.harness.Open();
  terminal.Connect();
  terminal.sent.pop_front();  // Hello
  const Tombstones tombstones = std::get<Tombstones>(terminal.sent.front());
  REQUIRE(tombstones.tombstones.size() == 1);
  CHECK(tombstones.tombstones[0].first == 2);
  CHECK(tombstones.tombstones[0].last == 2);
  terminal.Deliver(BatchResult{tombstones.batch_id, {Terminal::Of(Disposition::kTombstoned)}});
  CHECK(terminal.harness.Status().lost_ranges.at(0).announced);
}

TEST_CASE("many records held at once are swept again when what they await is accepted") {
  StreamLimits limits;
  limits.max_batch_records = 50;
  Terminal terminal(limits);
  constexpr int kLane = 400;
  for (int i = 0; i < kLane; ++i) terminal.harness.Capture("order:A", std::to_string(i));
  terminal.Connect();
  std::set<std::string> accepted;
  bool refused = false;
  int rounds = 0;
  while (accepted.size() < kLane && ++rounds < 100) {
    while (terminal.sent.empty()) terminal.AdvanceToWakeup();
    const EventBatch batch = terminal.Take();
    terminal.Answer(batch, [&](const Record& record) {
      if (!refused && record.event == "event 0") {
        refused = true;
        RecordResult retry = Terminal::Of(Disposition::kRetry);
        retry.retry_delay = milliseconds(1000);
        return retry;
      }
      const int number = std::stoi(record.event.substr(6));
      if (number > 0 && !accepted.contains("event " + std::to_string(number - 1))) {
        RecordResult held = Terminal::Of(Disposition::kRetry);
        held.lane_held = true;
        return held;
      }
      accepted.insert(record.event);
      return Terminal::Of(Disposition::kAccepted);
    });
  }
  INFO("rounds " << rounds);
  CHECK(accepted.size() == kLane);
  CHECK(terminal.harness.Status().pending == 0);
}

}  // namespace
}  // namespace tillwire
