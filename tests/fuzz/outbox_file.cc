// An outbox whose files were changed (see outbox_edits.h): opening it gives an error or an outbox that works.
// Every use of it ends, in an answer or in a fault of the kind that storage/group_commit.h knows how to take.
#include <functional>
#include <string>
#include <vector>

#include "storage/outbox.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/outbox_edits.h"
#include "tests/fuzz/targets.h"
#include "tests/support/temp_directory.h"

namespace tillwire::fuzz {
namespace {

constexpr int kMaxPages = 1000;

// Runs `use` in a transaction. Whether that was committed.
bool InTransaction(Outbox& outbox, const std::function<void()>& use) {
  try {
    outbox.Begin();
    use();
    outbox.Commit();
    return true;
  } catch (const StorageFault& fault) {
    ExpectRefusal(fault.error());
  } catch (const SQLite::Exception& exception) {
    ExpectRefusal(ErrorFromSqlite(exception));
  }
  outbox.Rollback();
  return false;
}

void ReadAllPending(Outbox& outbox) {
  Position after = 0;
  for (int page = 0; page < kMaxPages; ++page) {
    const PendingPage read = outbox.ReadPending(after, 3, 64);
    for (const PendingRecord& pending : read.records) {
      Expect(pending.record.HashMatches(), "what is to be sent has its hash");
    }
    if (read.at_end) return;
    Expect(read.scanned_through > after, "reading what is pending goes on");
    after = read.scanned_through;
  }
  throw Broken("reading what is pending ends");
}

void ListAll(Outbox& outbox, EventQuery query) {
  for (int page = 0; page < kMaxPages; ++page) {
    const EventPage read = outbox.List(query);
    if (read.at_end) return;
    if (query.newest_first) {
      Expect(!query.before || read.scanned < *query.before, "a list goes back");
      query.before = read.scanned;
    } else {
      Expect(read.scanned > query.after, "a list goes on");
      query.after = read.scanned;
    }
  }
  throw Broken("a list ends");
}

void Look(Outbox& outbox) {
  InTransaction(outbox, [&] { (void)outbox.Status(); });
  InTransaction(outbox, [&] { (void)outbox.Epochs(); });
  InTransaction(outbox, [&] { (void)outbox.Pause(); });
  InTransaction(outbox, [&] { (void)outbox.LatestServerTime(); });
  InTransaction(outbox, [&] { (void)outbox.UnannouncedLostRanges(8); });
  InTransaction(outbox, [&] { ListAll(outbox, {}); });
  EventQuery newest;
  newest.newest_first = true;
  InTransaction(outbox, [&] { ListAll(outbox, newest); });
  EventQuery parked;
  parked.states = {EventState::kParked};
  InTransaction(outbox, [&] { ListAll(outbox, parked); });
  EventQuery lane;
  lane.lane = "order:1";
  InTransaction(outbox, [&] { ListAll(outbox, lane); });
}

CaptureInput Input(int number, const FakeClock& clock) {
  CaptureInput input;
  input.event_id.bytes[0] = static_cast<std::uint8_t>(number);
  input.lane = "order:" + std::to_string(number % 3);
  input.event = "new event " + std::to_string(number);
  input.captured_at = clock.WallNow();
  input.idempotency = {Sha256(input.event), Sha256(input.event)};
  input.id_from_outside = true;
  return input;
}

// The ids of what was stored.
std::vector<Uuid> CaptureSome(Outbox& outbox, const FakeClock& clock) {
  std::vector<Uuid> stored;
  for (int number = 1; number <= 3; ++number) {
    bool is_new = false;
    const bool committed = InTransaction(outbox, [&] {
      const auto captured = outbox.Capture(Input(number, clock));
      if (!captured) ExpectRefusal(captured.error());
      is_new = captured.ok() && !captured->repeated;
    });
    if (committed && is_new) stored.push_back(Input(number, clock).event_id);
  }
  return stored;
}

// What a connection does to it.
void Deliver(Outbox& outbox, FakeClock& clock) {
  InTransaction(outbox, [&] { ReadAllPending(outbox); });
  InTransaction(outbox, [&] {
    std::vector<EventOutcome> outcomes;
    for (const PendingRecord& pending : outbox.ReadPending(0, 4, 1U << 20U).records) {
      EventOutcome outcome{pending.position, {}};
      outcome.result.disposition = outcomes.size() % 2 == 0 ? Disposition::kAccepted : Disposition::kParked;
      outcomes.push_back(outcome);
    }
    outbox.ApplyOutcomes(outcomes);
  });
  InTransaction(outbox, [&] {
    Welcome welcome;
    for (const EpochSummary& summary : outbox.Epochs()) {
      EpochState& state = welcome.epochs.emplace_back();
      state.epoch = summary.epoch;
      if (!summary.last_hash || summary.last == 0) continue;
      state.accepted.push_back({1, summary.last, *summary.last_hash});
      state.backed_up_through = summary.last;
      state.backed_up_hash = *summary.last_hash;
    }
    outbox.ApplyWelcome(welcome);
  });
  for (const auto after :
       {std::chrono::hours(1), std::chrono::hours(24 * 40), std::chrono::hours(24 * 100)}) {
    InTransaction(outbox, [&] {
      for (int step = 0; outbox.Maintain(clock.WallNow() + after).more; ++step) {
        Expect(step < kMaxPages, "pruning ends");
      }
    });
  }
}

void Decide(Outbox& outbox) {
  InTransaction(outbox, [&] { (void)outbox.RequeueAll("TOO_MANY_LINES"); });
  Uuid id;
  for (std::uint8_t number = 1; number <= 12; ++number) {
    id.bytes[15] = number;
    InTransaction(outbox, [&] { (void)outbox.Find(id); });
    InTransaction(outbox, [&] { (void)outbox.Release(id, "fuzz"); });
  }
  InTransaction(outbox, [&] { outbox.ApplyWelcome({}); });
  InTransaction(outbox, [&] {
    const auto epochs = outbox.Epochs();
    if (!epochs.empty()) outbox.MoveSuffix(epochs.front().epoch, "fuzz");
  });
  InTransaction(outbox, [&] { ReadAllPending(outbox); });
}

}  // namespace

void FuzzOutboxFile(std::string_view input) {
  static const TempDirectory directory;
  const bool intact = WriteOutboxFiles(input, directory.Path() / "outbox");
  const auto options = OptionsIn(directory.Path() / "outbox");
  FakeClock clock;
  FakeRng rng(7);
  std::vector<Uuid> stored;
  {
    const auto opened = Outbox::Open(options, clock, rng);
    if (!opened) return ExpectRefusal(opened.error());
    Look(**opened);
    stored = CaptureSome(**opened, clock);
  }
  const auto opened = Outbox::Open(options, clock, rng);
  if (!opened) {
    ExpectRefusal(opened.error());
    Expect(!intact || stored.empty(), "an outbox that took captures opens again: " + opened.error().Text());
    return;
  }
  Outbox& outbox = **opened;
  for (const Uuid& id : stored) {
    InTransaction(outbox,
                  [&] { Expect(outbox.Find(id).ok() || !intact, "what was captured is still there"); });
  }
  Deliver(outbox, clock);
  Decide(outbox);
  Look(outbox);
}

}  // namespace tillwire::fuzz
