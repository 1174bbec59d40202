#include "ingest/acceptance/epoch_view.h"

#include <algorithm>
#include <iterator>

namespace tillwire {
namespace {

// The one that holds `sequence`, in a map of ranges by their first sequence.
template <typename Range>
const Range* Holding(const std::map<std::uint64_t, Range>& ranges, std::uint64_t sequence) {
  auto next = ranges.upper_bound(sequence);
  if (next == ranges.begin()) return nullptr;
  const Range& candidate = std::prev(next)->second;
  return sequence <= candidate.last ? &candidate : nullptr;
}

}  // namespace

EpochView::EpochView(LedgerTransaction& ledger, EpochRow row, std::span<const Interval> spans)
    : ledger_(ledger), row_(row) {
  for (const Interval& span : spans) {
    const Interval with_neighbours{span.first - 1, span.last + 1};
    for (const auto& range : ledger_.Ranges(row_, with_neighbours)) ranges_.emplace(range.first, range);
    for (auto& tombstone : ledger_.Tombstones(row_, with_neighbours)) {
      tombstones_.emplace(tombstone.first, std::move(tombstone));
    }
    for (const auto& parked : ledger_.Parked(row_, with_neighbours)) parked_.emplace(parked.sequence, parked);
    for (const auto& moved : ledger_.Recaptured(row_, span)) recaptured_.emplace(moved.sequence, moved.hash);
  }
}

const StoredRange* EpochView::RangeAt(std::uint64_t sequence) const {
  return Holding(ranges_, sequence);
}

const StoredTombstone* EpochView::TombstoneAt(std::uint64_t sequence) const {
  return Holding(tombstones_, sequence);
}

const ParkedRecord* EpochView::ParkedAt(std::uint64_t sequence) const {
  const auto found = parked_.find(sequence);
  return found == parked_.end() ? nullptr : &found->second;
}

bool EpochView::IsRecaptured(std::uint64_t sequence, const Hash& hash) const {
  const auto [begin, end] = recaptured_.equal_range(sequence);
  return std::any_of(begin, end, [&](const auto& moved) { return moved.second == hash; });
}

const Hash* EpochView::AddedHash(std::uint64_t sequence) const {
  const auto found = added_.find(sequence);
  return found == added_.end() ? nullptr : &found->second;
}

std::optional<Hash> EpochView::LinkHash(std::uint64_t sequence) const {
  if (const auto* range = RangeAt(sequence)) {
    return range->last == sequence ? std::optional(range->last_hash) : std::nullopt;
  }
  if (const auto* parked = ParkedAt(sequence)) return parked->hash;
  if (const auto* tombstone = TombstoneAt(sequence); tombstone != nullptr && tombstone->last == sequence) {
    return tombstone->last_hash;
  }
  return std::nullopt;
}

std::optional<Hash> EpochView::LinkPreviousHash(std::uint64_t sequence) const {
  if (const auto* range = RangeAt(sequence)) {
    return range->first == sequence ? std::optional(range->previous_hash) : std::nullopt;
  }
  if (const auto* parked = ParkedAt(sequence)) return parked->previous_hash;
  if (const auto* tombstone = TombstoneAt(sequence); tombstone != nullptr && tombstone->first == sequence) {
    return tombstone->previous_hash;
  }
  return std::nullopt;
}

void EpochView::AddAccepted(std::uint64_t sequence, const Hash& previous_hash, const Hash& hash) {
  added_.emplace(sequence, hash);
  StoredRange grown{sequence, sequence, previous_hash, hash};
  auto next = ranges_.upper_bound(sequence);
  if (next != ranges_.end() && next->first == sequence + 1) {
    grown.last = next->second.last;
    grown.last_hash = next->second.last_hash;
    merged_ranges_.push_back(next->first);
    next = ranges_.erase(next);
  }
  if (next != ranges_.begin()) {
    StoredRange& left = std::prev(next)->second;
    if (left.last + 1 == sequence) {
      left.last = grown.last;
      left.last_hash = grown.last_hash;
      if (changed_ranges_.empty() || changed_ranges_.back() != left.first)
        changed_ranges_.push_back(left.first);
      return;
    }
  }
  ranges_.emplace(sequence, grown);
  changed_ranges_.push_back(sequence);
}

void EpochView::Park(const ParkedRecord& parked, WallTime now) {
  parked_.insert_or_assign(parked.sequence, parked);
  ledger_.PutParked(row_, parked, now);
}

void EpochView::Close(const StoredTombstone& tombstone) {
  tombstones_.insert_or_assign(tombstone.first, tombstone);
  ledger_.PutTombstone(row_, tombstone);
}

void EpochView::RemoveParked(std::uint64_t sequence) {
  if (parked_.erase(sequence) != 0) ledger_.DeleteParked(row_, sequence);
}

void EpochView::WriteBack() {
  for (const std::uint64_t first : merged_ranges_) ledger_.DeleteRange(row_, first);
  for (const std::uint64_t first : changed_ranges_) {
    if (const auto range = ranges_.find(first); range != ranges_.end()) ledger_.PutRange(row_, range->second);
  }
  std::vector<Hash> run;
  for (auto record = added_.begin(); record != added_.end(); ++record) {
    run.push_back(record->second);
    const auto next = std::next(record);
    if (next != added_.end() && next->first == record->first + 1) continue;
    ledger_.AddHashRun(row_, record->first + 1 - run.size(), run);
    run.clear();
  }
  merged_ranges_.clear();
  changed_ranges_.clear();
  added_.clear();
}

}  // namespace tillwire
