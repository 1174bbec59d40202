#include "core/interval_set.h"

#include <algorithm>

namespace tillwire {

void IntervalSet::Add(Interval interval) {
  auto it = ranges_.upper_bound(interval.first);
  if (it != ranges_.begin()) {
    const auto before = std::prev(it);
    if (before->second + 1 >= interval.first) it = before;
  }
  while (it != ranges_.end() && it->first <= interval.last + 1) {
    interval.first = std::min(interval.first, it->first);
    interval.last = std::max(interval.last, it->second);
    count_ -= it->second - it->first + 1;
    it = ranges_.erase(it);
  }
  ranges_.emplace_hint(it, interval.first, interval.last);
  count_ += interval.last - interval.first + 1;
}

void IntervalSet::Remove(Interval interval) {
  auto it = ranges_.upper_bound(interval.first);
  if (it != ranges_.begin() && std::prev(it)->second >= interval.first) --it;
  while (it != ranges_.end() && it->first <= interval.last) {
    const Interval found{it->first, it->second};
    count_ -= found.last - found.first + 1;
    it = ranges_.erase(it);
    if (found.first < interval.first) {
      ranges_.emplace(found.first, interval.first - 1);
      count_ += interval.first - found.first;
    }
    if (found.last > interval.last) {
      ranges_.emplace(interval.last + 1, found.last);
      count_ += found.last - interval.last;
    }
  }
}

std::optional<Interval> IntervalSet::Find(std::uint64_t value) const {
  auto it = ranges_.upper_bound(value);
  if (it == ranges_.begin()) return std::nullopt;
  --it;
  if (it->second < value) return std::nullopt;
  return Interval{it->first, it->second};
}

std::uint64_t IntervalSet::FirstGapAtOrAfter(std::uint64_t value) const {
  const auto range = Find(value);
  return range ? range->last + 1 : value;
}

std::optional<Interval> IntervalSet::FirstRangeAtOrAfter(std::uint64_t value) const {
  const auto it = ranges_.lower_bound(value);
  if (it == ranges_.end()) return std::nullopt;
  return Interval{it->first, it->second};
}

std::optional<Interval> IntervalSet::LastRangeBelow(std::uint64_t value) const {
  auto it = ranges_.lower_bound(value);
  while (it != ranges_.begin()) {
    --it;
    if (it->second < value) return Interval{it->first, it->second};
  }
  return std::nullopt;
}

}  // namespace tillwire
