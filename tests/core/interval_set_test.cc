#include "core/interval_set.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <set>
#include <string>

namespace tillwire {
namespace {

// The same set as single numbers: slow, and plainly right.
class Model {
 public:
  void Add(Interval interval) {
    for (auto n = interval.first; n <= interval.last; ++n) numbers_.insert(n);
  }
  void Remove(Interval interval) {
    for (auto n = interval.first; n <= interval.last; ++n) numbers_.erase(n);
  }
  bool Contains(std::uint64_t value) const { return numbers_.contains(value); }
  std::uint64_t FirstGapAtOrAfter(std::uint64_t value) const {
    while (numbers_.contains(value)) ++value;
    return value;
  }
  std::uint64_t Count() const { return numbers_.size(); }
  // Whether a range begins at value.
  bool BeginsAt(std::uint64_t value) const { return Contains(value) && (value == 0 || !Contains(value - 1)); }
  std::size_t RangeCount() const {
    std::size_t count = 0;
    for (const auto n : numbers_) count += BeginsAt(n) ? 1 : 0;
    return count;
  }

 private:
  std::set<std::uint64_t> numbers_;
};

constexpr std::uint64_t kUniverse = 60;

void CheckAgainst(const Model& model, const IntervalSet& set) {
  CHECK(set.Count() == model.Count());
  CHECK(set.Empty() == (model.Count() == 0));
  CHECK(set.Ranges().size() == model.RangeCount());
  for (std::uint64_t n = 0; n <= kUniverse; ++n) {
    INFO("number " << n);
    CHECK(set.Contains(n) == model.Contains(n));
    CHECK(set.FirstGapAtOrAfter(n) == model.FirstGapAtOrAfter(n));
    const auto range = set.Find(n);
    REQUIRE(range.has_value() == model.Contains(n));
    if (range) {
      CHECK(model.BeginsAt(range->first));
      CHECK(range->last + 1 == model.FirstGapAtOrAfter(n));
    }
    auto expected = n;
    while (expected <= kUniverse && !model.BeginsAt(expected)) ++expected;
    const auto next = set.FirstRangeAtOrAfter(n);
    REQUIRE(next.has_value() == (expected <= kUniverse));
    if (next) CHECK(next->first == expected);
  }
}

TEST_CASE("An interval set behaves as a set of numbers") {
  const char* replay = std::getenv("TILLWIRE_SEED");
  const auto seed = replay != nullptr ? static_cast<unsigned>(std::stoul(replay)) : std::random_device{}();
  INFO("repeat with TILLWIRE_SEED=" << seed);
  std::mt19937 random(seed);
  std::uniform_int_distribution<std::uint64_t> start(0, kUniverse - 12);
  std::uniform_int_distribution<std::uint64_t> length(0, 11);
  for (int round = 0; round < 40; ++round) {
    IntervalSet set;
    Model model;
    for (int step = 0; step < 30; ++step) {
      const auto first = start(random);
      const Interval interval{first, first + length(random)};
      if (random() % 3 != 0) {
        set.Add(interval);
        model.Add(interval);
      } else {
        set.Remove(interval);
        model.Remove(interval);
      }
      INFO("round " << round << " step " << step);
      CheckAgainst(model, set);
    }
  }
}

TEST_CASE("Ranges that touch become one, and sets with the same numbers are equal") {
  IntervalSet in_parts;
  in_parts.Add({1, 3});
  in_parts.Add({7, 9});
  CHECK(in_parts.Ranges().size() == 2);
  in_parts.Add({4, 6});
  CHECK(in_parts.Ranges().size() == 1);
  IntervalSet at_once;
  at_once.Add({1, 9});
  CHECK(in_parts == at_once);
}

TEST_CASE("Taking out the middle of a range leaves both ends") {
  IntervalSet set;
  set.Add({1, 10});
  set.Remove({4, 6});
  CHECK(set.Find(3) == Interval{1, 3});
  CHECK(set.Find(7) == Interval{7, 10});
  CHECK(set.Count() == 7);
}

}  // namespace
}  // namespace tillwire
