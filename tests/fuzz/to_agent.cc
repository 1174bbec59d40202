// The terminal's end of the stream: the uplink's logic on a real outbox. Steps of one byte, modulo 14, with
// their arguments:
//   0  a WriteBackResponse: its length in two bytes, and its bytes
//   1  a Welcome that knows part of this outbox's history, perhaps altered
//   2  an answer to the oldest batch, a byte for each record
//   3  time passes        4  the stream breaks         5  StartNewEpoch      6  Pushback
//   7  a capture          8  a requeue, or a release   9  the link is up    10  an operator pauses or resumes
//  11  the disk fails    12  time passes until the machine wakes            13  a tombstone's answer,
//  likewise as 2
#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/uplink/uplink_machine.h"
#include "core/limits.h"
#include "ingest/acceptance/batch_limits.h"
#include "ingest/acceptance/welcome.h"
#include "proto/write_back_codec.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/targets.h"
#include "tests/support/temp_directory.h"
#include "tillwire/v1/ingestion.pb.h"

namespace tillwire::fuzz {
namespace {

namespace act = uplink_action;

constexpr std::size_t kMaxSteps = 48;
// Of one input; more means that the machine does not come to rest.
constexpr std::size_t kMaxActions = 20'000;
constexpr StreamLimits kLimits{4, 64, 3};
const WallTime kBegin = FromMicros(1'780'000'000'000'000);

// Each input begins with the same randomness.
class CountingRng final : public Rng {
 public:
  std::uint64_t Next() override { return ++count_ * 0x9E3779B97F4A7C15ULL; }
  void Restart() { count_ = 1000; }

 private:
  std::uint64_t count_ = 0;
};

// An outbox with a history of two epochs: delivered, parked, lost, damaged, released and pending events in
// four lanes. It lives as long as the process; each input's transaction is rolled back.
class SharedOutbox {
 public:
  SharedOutbox() {
    OutboxOptions options;
    options.directory = directory_.Path() / "outbox";
    options.store_id = "0417";
    options.terminal_id = "till-3";
    options.reserve_bytes = 64U << 10U;
    options.database.synchronous = Synchronous::kOff;
    outbox_ = Outbox::Open(options, clock, rng).value();
    outbox_->Begin();
    for (int i = 1; i <= 9; ++i) Capture(i % 4);
    Answer(1, Disposition::kAccepted);
    Answer(2, Disposition::kAccepted);
    Answer(3, Disposition::kParked);
    Answer(4, Disposition::kDuplicate);
    outbox_->StartEpoch("fuzz");
    for (int i = 10; i <= 14; ++i) Capture(i % 4);
    Answer(10, Disposition::kTombstoned);
    Answer(11, Disposition::kParked);
    records_ = outbox_->ReadPending(0, 100, 1U << 20U).records;
    outbox_->Commit();
  }

  static SharedOutbox& Get() {
    static SharedOutbox shared;
    return shared;
  }

  Captured Capture(int lane) {
    CaptureInput input;
    input.event_id = Uuid{};
    const std::uint64_t number = outbox_->LastPosition() + 1;
    for (std::size_t i = 0; i < 8; ++i)
      input.event_id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    input.lane = "order:" + std::to_string(lane);
    input.event = "event " + std::to_string(number);
    input.captured_at = clock.WallNow();
    return outbox_->Capture(input).value();
  }

  [[nodiscard]] Outbox& Box() { return *outbox_; }
  // What was pending once the history was made.
  [[nodiscard]] const std::vector<PendingRecord>& Records() const { return records_; }

  FakeClock clock{kBegin};
  CountingRng rng;

 private:
  void Answer(Position position, Disposition disposition) {
    EventOutcome outcome{position, {}};
    outcome.result.disposition = disposition;
    outcome.result.park_reason = ParkReason::kTooManyLines;
    outbox_->ApplyOutcomes({outcome});
  }

  TempDirectory directory_;
  std::unique_ptr<Outbox> outbox_;
  std::vector<PendingRecord> records_;
};

class Terminal {
 public:
  explicit Terminal(SharedOutbox& shared) : shared_(shared), box_(shared.Box()) {
    shared_.clock.SetWall(kBegin);
    shared_.clock.SetBoot(BootTime(0));
    shared_.rng.Restart();
    UplinkOptions options;
    options.store_id = "0417";
    options.terminal_id = "till-3";
    options.limits = kLimits;
    machine_.emplace(options, shared_.rng);
    box_.Begin();
    Do(machine_->Start(Now()));
  }
  ~Terminal() { box_.Rollback(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Step(ByteSource& source) {
    switch (source.Below(14)) {
      case 0:
        return Receive(source.Bytes(source.Number(2)));
      case 1:
        return Deliver(SomeWelcome(source));
      case 2:
        return Answer(source);
      case 3:
        return Advance(std::chrono::milliseconds(source.Number(3)));
      case 4:
        if (open_)
          Do(machine_->OnClosed(Now(), {static_cast<UplinkProblem>(source.Below(4)), "fuzz", "fuzz"}));
        return;
      case 5:
        return Deliver(StartNewEpoch{SomeEpoch(source), source.Borderline()});
      case 6:
        return Deliver(Pushback{std::chrono::milliseconds(source.Number(3))});
      case 7:
        shared_.Capture(static_cast<int>(source.Below(5)));
        return Do(machine_->OnCaptured(Now(), box_.LastPosition()));
      case 8:
        return Decide(source);
      case 9:
        return Do(machine_->OnLinkUp(Now()));
      case 10:
        return Do(source.Flip() ? machine_->OnPaused(Now(), Now() + std::chrono::seconds(source.Number(2)))
                                : machine_->OnResumed(Now()));
      case 11:
        return Do(machine_->OnStorageFailed(Now(), {ErrorCode::kUnavailable, "fuzz", "fuzz"}));
      case 12:
        if (const auto next = machine_->NextWakeup()) Advance(std::max(*next - Now(), BootTime(0)));
        return;
      default:
        return Deliver(BatchResult{source.Byte(), {}});
    }
  }

  // What people see adds up, whatever the centre said.
  void CheckCounts() {
    const OutboxStatus status = box_.Status();
    std::uint64_t pending = 0;
    std::uint64_t parked = 0;
    EventQuery query;
    for (EventPage page = box_.List(query);; page = box_.List(query)) {
      for (const EventView& view : page.events) {
        if (view.state == EventState::kPending) ++pending;
        if (view.state == EventState::kParked) ++parked;
      }
      if (page.at_end) break;
      Expect(page.scanned > query.after, "a list goes on");
      query.after = page.scanned;
    }
    Expect(pending == status.pending,
           "as many events are pending as are counted: " + std::to_string(pending) + ", not " +
               std::to_string(status.pending));
    Expect(parked == status.parked, "as many events are parked as are counted");
    Expect(status.delivered <= box_.LastPosition(), "no more is delivered than was captured");
    Expect(status.lost <= kMaxSequence, "no more is lost than can be");
  }

 private:
  [[nodiscard]] BootTime Now() const { return shared_.clock.BootNow(); }

  void Receive(std::string_view bytes) {
    v1::WriteBackResponse wire;
    if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
    auto message = DecodeToAgent(std::move(wire));
    if (!message) return ExpectRefusal(message.error());
    v1::WriteBackResponse once;
    EncodeToAgent(*message, once);
    const std::string written = once.SerializeAsString();
    auto again = DecodeToAgent(std::move(once));
    Expect(again.ok(), "a message that was read and written can be read");
    v1::WriteBackResponse twice;
    EncodeToAgent(*std::move(again), twice);
    Expect(written == twice.SerializeAsString(), "and is the same");
    if (open_) Do(machine_->OnMessage(Now(), *std::move(message)));
  }

  // By the wire, as everything that a centre sends.
  void Deliver(ToAgent message) {
    v1::WriteBackResponse wire;
    EncodeToAgent(std::move(message), wire);
    Receive(wire.SerializeAsString());
  }

  void Advance(BootTime step) {
    shared_.clock.Advance(step);
    for (int i = 0; machine_->NextWakeup() && *machine_->NextWakeup() <= Now(); ++i) {
      Expect(i < 100, "a machine that was woken rests again");
      Do(machine_->OnTick(Now()));
    }
  }

  std::uint64_t SomeEpoch(ByteSource& source) {
    const auto epochs = box_.Epochs();
    const std::size_t index = source.Below(epochs.size() + 1);
    return index < epochs.size() ? epochs[index].epoch : source.Byte();
  }

  Hash SomeHash(ByteSource& source) {
    const auto& records = shared_.Records();
    const std::size_t index = source.Below(records.size() + 2);
    if (index < records.size()) return records[index].record.hash;
    const auto epochs = box_.Epochs();
    return epochs[source.Below(epochs.size())].last_hash.value_or(Hash{});
  }

  std::uint64_t SomeSequence(ByteSource& source) {
    const std::uint64_t small = 1 + source.Below(16);
    return small < 16 ? small : std::max<std::uint64_t>(source.Borderline(), 1);
  }

  Welcome SomeWelcome(ByteSource& source) {
    Welcome welcome;
    welcome.server_time = kBegin + std::chrono::hours(source.Number(2));
    welcome.limits = {static_cast<std::uint32_t>(source.Byte()), static_cast<std::uint32_t>(source.Byte()),
                      static_cast<std::uint32_t>(source.Byte())};
    for (std::size_t count = source.Below(4); count > 0; --count) {
      EpochState& state = welcome.epochs.emplace_back();
      state.epoch = SomeEpoch(source);
      for (std::size_t ranges = source.Below(4); ranges > 0; --ranges) {
        const std::uint64_t first = SomeSequence(source);
        state.accepted.push_back({first, std::max(first, SomeSequence(source)), SomeHash(source)});
      }
      for (std::size_t parked = source.Below(3); parked > 0; --parked) {
        state.parked.push_back({SomeSequence(source), SomeHash(source)});
      }
      for (std::size_t closed = source.Below(3); closed > 0; --closed) {
        const std::uint64_t first = SomeSequence(source);
        state.tombstoned.push_back({first, std::max(first, SomeSequence(source)), SomeHash(source)});
      }
      if (source.Flip()) {
        state.backed_up_through = SomeSequence(source);
        state.backed_up_hash = SomeHash(source);
      }
    }
    return welcome;
  }

  void Answer(ByteSource& source) {
    if (sent_.empty()) return;
    const ToCentre message = std::move(sent_.front());
    sent_.pop_front();
    BatchResult result;
    const auto answer = [&](std::uint64_t sequence) {
      RecordResult& one = result.results.emplace_back();
      one.sequence = sequence;
      one.disposition = static_cast<Disposition>(source.Below(7));
      one.park_reason = static_cast<ParkReason>(source.Below(6));
      one.lane_held = source.Flip();
      one.retry_delay = std::chrono::milliseconds(source.Byte());
    };
    if (const auto* batch = std::get_if<EventBatch>(&message)) {
      result.batch_id = batch->batch_id;
      for (const Record& record : batch->records) answer(record.id.sequence);
    } else if (const auto* tombstones = std::get_if<Tombstones>(&message)) {
      result.batch_id = tombstones->batch_id;
      for (const Tombstone& tombstone : tombstones->tombstones) answer(tombstone.first);
    } else {
      return;
    }
    if (source.Below(16) == 15) result.results.pop_back();
    Deliver(std::move(result));
  }

  void Decide(ByteSource& source) {
    const bool release = source.Flip();
    const auto views = box_.Views({source.Byte()});
    if (views.empty()) return;
    if (release) {
      if (box_.Release(views.front().event_id, "fuzz")) Do(machine_->OnReleased(Now()));
    } else if (const auto requeued = box_.Requeue(views.front().event_id)) {
      Do(machine_->OnRequeued(Now(), requeued->position));
    }
  }

  void Do(UplinkActions actions) {
    for (UplinkAction& action : actions) {
      Expect(++actions_ < kMaxActions, "the machine comes to rest");
      std::visit([this](auto& what) { Act(what); }, action);
    }
  }

  void Act(act::ReadHistory&) { Do(machine_->OnHistory(Now(), box_.Epochs())); }
  void Act(act::OpenStream&) {
    open_ = true;
    sent_.clear();
  }
  void Act(act::CloseStream&) {
    open_ = false;
    sent_.clear();
  }
  void Act(act::Send& send) {
    Expect(open_, "nothing is sent without a stream");
    CheckSent(send.message);
    sent_.push_back(std::move(send.message));
    // The Hello is answered by a Welcome.
    if (std::holds_alternative<Hello>(sent_.back())) sent_.pop_back();
  }
  void Act(act::ApplyWelcome& apply) {
    box_.ApplyWelcome(apply.welcome);
    Do(machine_->OnWelcomeApplied(Now(), box_.LastPosition()));
  }
  void Act(act::ReadPending& read) {
    Do(machine_->OnPage(Now(), box_.ReadPending(read.after, read.max_records, read.max_bytes)));
  }
  void Act(act::ApplyOutcomes& apply) {
    box_.ApplyOutcomes(apply.outcomes);
    Do(machine_->OnOutcomesApplied(Now(), apply.outcomes));
  }
  void Act(act::MoveSuffix& move) {
    box_.MoveSuffix(move.epoch, move.why);
    Do(machine_->OnMoved(Now()));
  }
  void Act(act::StartEpoch& start) { box_.StartEpoch(start.why); }
  void Act(act::ReadLostRanges& read) {
    Do(machine_->OnLostRanges(Now(), box_.UnannouncedLostRanges(read.limit)));
  }
  void Act(act::MarkAnnounced& mark) {
    box_.MarkAnnounced(mark.rows);
    box_.DropLostRanges(mark.safe);
  }
  void Act(act::Maintain& maintain) {
    Do(machine_->OnMaintained(Now(), box_.Maintain(maintain.server_time)));
  }

  // A centre takes what a terminal sends.
  static void CheckSent(const ToCentre& message) {
    v1::WriteBackRequest wire;
    EncodeToCentre(message, wire);
    const auto read = DecodeToCentre(std::move(wire));
    Expect(read.ok(), "the centre can read what is sent: " + (read ? "" : read.error().Text()));
    Result<void> checked;
    if (const auto* hello = std::get_if<Hello>(&*read)) checked = CheckHello(*hello);
    if (const auto* batch = std::get_if<EventBatch>(&*read)) {
      checked = CheckLimits(*batch, kLimits);
      for (const Record& record : batch->records) Expect(record.HashMatches(), "what is sent has its hash");
    }
    if (const auto* tombstones = std::get_if<Tombstones>(&*read)) checked = CheckLimits(*tombstones, kLimits);
    Expect(checked.ok(), "what is sent keeps to the limits: " + (checked ? "" : checked.error().Text()));
  }

  SharedOutbox& shared_;
  Outbox& box_;
  std::optional<UplinkMachine> machine_;
  std::deque<ToCentre> sent_;
  bool open_ = false;
  std::size_t actions_ = 0;
};

}  // namespace

void FuzzToAgent(std::string_view input) {
  ByteSource source(input);
  Terminal terminal(SharedOutbox::Get());
  for (std::size_t step = 0; step < kMaxSteps && !source.AtEnd(); ++step) {
    terminal.Step(source);
    terminal.CheckCounts();
  }
}

}  // namespace tillwire::fuzz
