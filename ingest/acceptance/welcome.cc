#include "ingest/acceptance/welcome.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/epoch.h"
#include "core/limits.h"
#include "ingest/acceptance/history.h"

namespace tillwire {
namespace {

constexpr Interval kWholeEpoch{0, kMaxSequence};

class EpochReader {
 public:
  EpochReader(LedgerTransaction& ledger, EpochRow row, const EpochSummary& summary)
      : ledger_(ledger),
        row_(row),
        summary_(summary),
        ranges_(ledger.Ranges(row, kWholeEpoch)),
        parked_(ledger.Parked(row, kWholeEpoch)),
        tombstones_(ledger.Tombstones(row, kWholeEpoch)) {}

  EpochState Read(BackedUp backed_up) {
    EpochState state;
    state.epoch = summary_.epoch;
    for (const StoredRange& range : ranges_) AddCut(range, state.accepted);
    for (const ParkedRecord& parked : parked_) state.parked.push_back({parked.sequence, parked.hash});
    for (const StoredTombstone& tombstone : tombstones_) {
      state.tombstoned.push_back({tombstone.first, tombstone.last, tombstone.last_hash});
    }
    if (backed_up == BackedUp::kAccepted) SetBackedUp(state);
    return state;
  }

  // The highest sequence that holds a record here.
  [[nodiscard]] std::uint64_t LastHeld() const {
    const std::uint64_t accepted = ranges_.empty() ? 0 : ranges_.back().last;
    const std::uint64_t parked = parked_.empty() ? 0 : parked_.back().sequence;
    return std::max(accepted, parked);
  }

 private:
  // Adds the range in pieces that end where the agent knows its own hash. Without anything below what the
  // agent retains there is no cut: first_retained is 1, or 0 from an agent that leaves it out.
  void AddCut(const StoredRange& range, std::vector<AcceptedRange>& pieces) {
    std::uint64_t first = range.first;
    std::array<std::uint64_t, 2> cuts{summary_.first_retained - 1, summary_.last};
    std::sort(cuts.begin(), cuts.end());
    for (const std::uint64_t cut : cuts) {
      if (cut < first || cut >= range.last) continue;
      pieces.push_back({first, cut, HashAt(cut)});
      first = cut + 1;
    }
    pieces.push_back({first, range.last, range.last_hash});
  }

  Hash HashAt(std::uint64_t sequence) { return *RequireHashRun(ledger_, row_, sequence).At(sequence); }

  // The end of what is resolved without a gap from the first sequence on, or of what the agent holds of it:
  // the agent can compare no hash above its own last. Where nobody knows the hash there, the last place
  // before where it is known.
  void SetBackedUp(EpochState& state) {
    std::uint64_t resolved = 0;
    auto range = ranges_.begin();
    auto tombstone = tombstones_.begin();
    while (resolved < summary_.last) {
      if (range != ranges_.end() && range->first == resolved + 1) {
        resolved = range->last;
        state.backed_up_through = std::min(resolved, summary_.last);
        state.backed_up_hash = resolved <= summary_.last ? range->last_hash : HashAt(summary_.last);
        ++range;
      } else if (tombstone != tombstones_.end() && tombstone->first == resolved + 1) {
        resolved = tombstone->last;
        if (tombstone->last_hash && resolved <= summary_.last) {
          state.backed_up_through = resolved;
          state.backed_up_hash = *tombstone->last_hash;
        }
        ++tombstone;
      } else {
        return;
      }
    }
  }

  LedgerTransaction& ledger_;
  const EpochRow row_;
  const EpochSummary& summary_;
  const std::vector<StoredRange> ranges_;
  const std::vector<ParkedRecord> parked_;
  const std::vector<StoredTombstone> tombstones_;
};

}  // namespace

Result<void> CheckHello(const Hello& hello) {
  if (hello.epochs.size() > kMaxEpochsInHello) {
    return Error{ErrorCode::kInvalidArgument,
                 "hello names " + std::to_string(hello.epochs.size()) + " epochs, the limit is " +
                     std::to_string(kMaxEpochsInHello),
                 "the outbox has forked that often: look into its terminal"};
  }
  for (const EpochSummary& summary : hello.epochs) {
    if (summary.last > kMaxSequence) {
      return Error{ErrorCode::kInvalidArgument,
                   "hello has last_sequence " + std::to_string(summary.last) + " for epoch " +
                       EpochName(summary.epoch),
                   "sequences count from 1 to " + std::to_string(kMaxSequence)};
    }
  }
  return {};
}

Greeting Greet(LedgerTransaction& ledger, const Hello& hello, BackedUp backed_up) {
  const StreamIdentity identity{hello.store_id, hello.terminal_id};
  Greeting greeting;
  for (const EpochSummary& summary : hello.epochs) {
    const auto row = ledger.FindEpoch(identity, summary.epoch);
    if (!row) {
      greeting.welcome.epochs.emplace_back().epoch = summary.epoch;
      continue;
    }
    EpochReader reader(ledger, *row, summary);
    greeting.welcome.epochs.push_back(reader.Read(backed_up));
    const bool is_newest = &summary == &hello.epochs.back();
    if (is_newest && reader.LastHeld() > summary.last) {
      greeting.start_new_epoch = StartNewEpoch{summary.epoch, summary.last + 1};
    }
  }
  return greeting;
}

}  // namespace tillwire
