// A set of 64-bit integers held as ranges: what is delivered is nearly always one range, however long the
// history.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace tillwire {

// The numbers first to last, both included.
struct Interval {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  bool operator==(const Interval&) const = default;
};

class IntervalSet {
 public:
  // Adds a range; ranges that overlap or touch become one.
  void Add(Interval interval);
  // Takes a range out, splitting what straddles its ends.
  void Remove(Interval interval);
  [[nodiscard]] bool Contains(std::uint64_t value) const { return Find(value).has_value(); }
  // The range that holds value.
  [[nodiscard]] std::optional<Interval> Find(std::uint64_t value) const;
  // The first number at or above value that is not in the set.
  [[nodiscard]] std::uint64_t FirstGapAtOrAfter(std::uint64_t value) const;
  // The first range that begins at or above value.
  [[nodiscard]] std::optional<Interval> FirstRangeAtOrAfter(std::uint64_t value) const;
  // The last range that ends below value.
  [[nodiscard]] std::optional<Interval> LastRangeBelow(std::uint64_t value) const;
  // How many numbers the set holds.
  [[nodiscard]] std::uint64_t Count() const { return count_; }
  [[nodiscard]] bool Empty() const { return ranges_.empty(); }
  // The ranges, ascending: first to last.
  [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& Ranges() const { return ranges_; }

  bool operator==(const IntervalSet&) const = default;

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;
  std::uint64_t count_ = 0;
};

}  // namespace tillwire
