// The uplink's logic on a real outbox, with the test as the centre and as time.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/uplink/uplink_machine.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {

namespace act = uplink_action;

// Carries out the machine's actions on the outbox at once, and keeps what it sends for the test to answer.
class Terminal {
 public:
  explicit Terminal(StreamLimits limits = {}) {
    options.store_id = "0417";
    options.terminal_id = "till-3";
    options.limits = limits;
    harness.Open();
    machine.emplace(options, harness.rng);
  }

  [[nodiscard]] BootTime Now() const { return harness.clock.BootNow(); }

  void Start() { Do(machine->Start(Now())); }

  void Advance(BootTime step) {
    harness.clock.Advance(step);
    while (machine->NextWakeup() && *machine->NextWakeup() <= Now()) Do(machine->OnTick(Now()));
  }

  // Time passes until the machine would be woken.
  void AdvanceToWakeup() { Advance(std::max(machine->NextWakeup().value() - Now(), BootTime(0))); }

  void Capture(const std::string& lane, const std::string& content) {
    harness.Capture(lane, content);
    Do(machine->OnCaptured(Now(), harness.outbox->LastPosition()));
  }

  void Deliver(ToAgent message) { Do(machine->OnMessage(Now(), std::move(message))); }
  void Close(StreamEnd end) { Do(machine->OnClosed(Now(), end)); }

  void Connect(Welcome welcome = {}) {
    if (machine->state() == UplinkMachine::State::kWaiting && !started) Start();
    started = true;
    REQUIRE(machine->state() == UplinkMachine::State::kGreeting);
    Deliver(std::move(welcome));
    REQUIRE(machine->state() == UplinkMachine::State::kStreaming);
  }

  // Takes the oldest batch that was sent.
  EventBatch Take() {
    while (!sent.empty()) {
      ToCentre message = std::move(sent.front());
      sent.pop_front();
      if (auto* batch = std::get_if<EventBatch>(&message)) return std::move(*batch);
    }
    FAIL("nothing was sent");
    return {};
  }

  static std::vector<std::string> Events(const EventBatch& batch) {
    std::vector<std::string> events;
    for (const Record& record : batch.records) events.push_back(record.event);
    return events;
  }

  using Judge = std::function<RecordResult(const Record&)>;

  void Answer(const EventBatch& batch, const Judge& judge) {
    BatchResult result{batch.batch_id, {}};
    for (const Record& record : batch.records) {
      result.results.push_back(judge(record));
      result.results.back().sequence = record.id.sequence;
    }
    Deliver(result);
  }

  void Accept(const EventBatch& batch) {
    Answer(batch, [](const Record&) { return Of(Disposition::kAccepted); });
  }

  static RecordResult Of(Disposition disposition) {
    RecordResult result;
    result.disposition = disposition;
    return result;
  }

  void Do(UplinkActions actions) {
    for (UplinkAction& action : actions) std::visit([this](auto& what) { Act(what); }, action);
  }

  OutboxHarness harness;
  UplinkOptions options;
  std::optional<UplinkMachine> machine;
  std::deque<ToCentre> sent;
  int opened = 0;
  int closed = 0;
  int maintained = 0;
  bool started = false;

 private:
  template <typename Body>
  auto Transact(Body body) {
    return harness.Transact(body);
  }

  void Act(act::ReadHistory&) {
    Do(machine->OnHistory(Now(), Transact([](Outbox& box) { return box.Epochs(); })));
  }
  void Act(act::OpenStream&) {
    ++opened;
    sent.clear();
  }
  void Act(act::CloseStream&) {
    ++closed;
    sent.clear();
  }
  void Act(act::Send& send) { sent.push_back(std::move(send.message)); }
  void Act(act::ApplyWelcome& apply) {
    Transact([&](Outbox& box) { return box.ApplyWelcome(apply.welcome); });
    Do(machine->OnWelcomeApplied(Now(), harness.outbox->LastPosition()));
  }
  void Act(act::ReadPending& read) {
    Do(machine->OnPage(Now(), Transact([&](Outbox& box) {
                         return box.ReadPending(read.after, read.max_records, read.max_bytes);
                       })));
  }
  void Act(act::ApplyOutcomes& apply) {
    Transact([&](Outbox& box) {
      box.ApplyOutcomes(apply.outcomes);
      return true;
    });
    Do(machine->OnOutcomesApplied(Now(), apply.outcomes));
  }
  void Act(act::MoveSuffix& move) {
    Transact([&](Outbox& box) { return box.MoveSuffix(move.epoch, move.why); });
    Do(machine->OnMoved(Now()));
  }
  void Act(act::StartEpoch& start) {
    Transact([&](Outbox& box) { return box.StartEpoch(start.why); });
  }
  void Act(act::ReadLostRanges& read) {
    Do(machine->OnLostRanges(Now(),
                             Transact([&](Outbox& box) { return box.UnannouncedLostRanges(read.limit); })));
  }
  void Act(act::MarkAnnounced& mark) {
    Transact([&](Outbox& box) {
      box.MarkAnnounced(mark.rows);
      box.DropLostRanges(mark.safe);
      return true;
    });
  }
  void Act(act::ReadDigest&) {
    Do(machine->OnDigest(Now(), Transact([](Outbox& box) { return box.ReadDigest(); })));
  }
  void Act(act::Maintain& maintain) {
    ++maintained;
    Do(machine->OnMaintained(Now(),
                             Transact([&](Outbox& box) { return box.Maintain(maintain.server_time); })));
  }
};

}  // namespace tillwire
