// What the centre is told to prove that it has everything: counts by epoch. From the ranges in memory,
// whatever the backlog.
#include <algorithm>

#include "core/epoch.h"
#include "core/limits.h"
#include "core/text.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

// Counts that can't be right shall show as such at the centre, not wrap around.
std::uint64_t Less(std::uint64_t count, std::uint64_t part) {
  return count - std::min(count, part);
}

}  // namespace

std::uint64_t CountIn(const IntervalSet& set, Interval span) {
  if (span.first > span.last) return 0;
  std::uint64_t count = 0;
  if (const auto straddling = set.Find(span.first)) {
    count += std::min(straddling->last, span.last) - span.first + 1;
  }
  for (auto range = set.Ranges().upper_bound(span.first);
       range != set.Ranges().end() && range->first <= span.last; ++range) {
    count += std::min(range->second, span.last) - range->first + 1;
  }
  return count;
}

// A position is pruned or retained; retained, it is delivered, parked, tombstoned or pending; pruned, it is
// delivered, given up, or reached the centre after its sequence had been given up. What the epoch gave out
// and did not keep was lost, or moved by a fork.
EpochDigest Outbox::Impl::DigestOf(const EpochRow& row) {
  const Position end = EndOf(row);
  const Interval all{row.base + 1, end};
  const Interval pruned{all.first, std::min(end, first_retained - 1)};
  const Interval here{std::max(all.first, first_retained), end};
  const auto size = [](Interval span) { return span.first > span.last ? 0 : span.last - span.first + 1; };
  EpochLosses none;
  const auto found = losses.find(row.epoch);
  const EpochLosses& lost = found == losses.end() ? none : found->second;

  EpochDigest digest;
  digest.epoch = row.epoch;
  digest.ordinal = row.ordinal;
  digest.kept_through = end - row.base;
  digest.last = row.retained ? row.issued : digest.kept_through;
  if (digest.kept_through > 0) digest.last_hash = row.retained ? row.last_hash : head;
  digest.resolved_through = std::min(FirstUnresolved(all.first) - 1, end) - row.base;
  digest.why = Excerpt(row.why, kMaxReasonBytes);
  digest.lost = lost.lost.Count();
  digest.damaged = lost.damaged;
  digest.released = lost.released;
  digest.parked = CountIn(parked, all);
  const std::uint64_t closed_here = CountIn(tombstoned, here);
  const std::uint64_t delivered_here = CountIn(delivered, here);
  digest.pending = Less(size(here), delivered_here + digest.parked + closed_here);
  // Of a range that the centre has in doubtful form (ReconcileLostRanges) a part may be both: it stays lost.
  std::uint64_t doubtful = 0;
  for (const auto& [first, last] : lost.lost.Ranges()) {
    doubtful += CountIn(delivered, {row.base + first, std::min(row.base + last, pruned.last)});
  }
  const std::uint64_t delivered_pruned = Less(CountIn(delivered, pruned), doubtful);
  const std::uint64_t lost_pruned = CountIn(lost.lost, {1, digest.kept_through});
  digest.not_in_effect =
      Less(closed_here + Less(size(pruned), delivered_pruned), lost_pruned + lost.damaged + lost.released);
  const std::uint64_t gone =
      Less(digest.last, digest.kept_through + CountIn(lost.lost, {digest.kept_through + 1, digest.last}));
  const std::uint64_t found_above = CountIn(lost.safe, {digest.kept_through + 1, digest.last});
  digest.delivered = delivered_here + delivered_pruned + found_above;
  digest.moved = Less(gone, found_above);
  return digest;
}

Digest Outbox::ReadDigest() {
  Impl& impl = *impl_;
  Digest digest;
  for (const auto& [epoch, losses] : impl.losses) {
    const std::uint64_t number = epoch;
    const bool known =
        std::ranges::any_of(impl.epochs, [number](const EpochRow& row) { return row.epoch == number; });
    if (known || losses.lost.Empty()) continue;
    // Of an epoch that the file has forgotten all is lost, but for what the centre turned out to have.
    EpochDigest forgotten;
    forgotten.epoch = number;
    forgotten.last = losses.lost.Ranges().rbegin()->second;
    forgotten.lost = losses.lost.Count();
    forgotten.delivered = forgotten.last - forgotten.lost;
    forgotten.why = "the outbox was put back to a copy from before this epoch";
    digest.epochs.push_back(std::move(forgotten));
  }
  for (const EpochRow& row : impl.epochs) digest.epochs.push_back(impl.DigestOf(row));
  digest.outbox_used_bytes = impl.statements->space.UsedBytes();
  digest.outbox_max_bytes = impl.options.max_bytes;
  if (impl.measure.free_on_disk) digest.disk_free_bytes = *impl.measure.free_on_disk;
  if (const Position oldest = impl.NextPending(0); oldest <= impl.last_position) {
    StatementRun run(impl.statements->event_header);
    if (run.Bind(oldest).Step()) {
      const auto age =
          std::chrono::floor<std::chrono::milliseconds>(impl.clock.WallNow() - FromMicros(run.Int(4)));
      digest.oldest_pending_age = std::max(age, std::chrono::milliseconds(0));
    }
  }
  return digest;
}

}  // namespace tillwire
