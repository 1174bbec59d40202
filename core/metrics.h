// What the program counts about itself: relaxed atomics, cheap enough for the way of an event. Whoever owns
// the thing that is counted owns its struct of these; platform/metrics_text turns them into text.
//
// Any thread may add and read. A reader sees each number whole, but not all of them at one moment.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tillwire {

// Only grows.
class Counter {
 public:
  void Add(std::uint64_t more = 1) { value_.fetch_add(more, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// A counter for each value of an enum that counts from 0 to kLast. What is outside of it counts as 0.
template <typename Enum, Enum kLast>
class CounterBy {
 public:
  Counter& operator[](Enum value) { return counters_[Index(value)]; }
  const Counter& operator[](Enum value) const { return counters_[Index(value)]; }

 private:
  static constexpr std::size_t kCount = static_cast<std::size_t>(kLast) + 1;

  static std::size_t Index(Enum value) {
    const auto index = static_cast<std::size_t>(value);
    return index < kCount ? index : 0;
  }

  std::array<Counter, kCount> counters_;
};

// How observations are spread: how many were at most as large as each bound, and their sum. Whole numbers,
// of records or of microseconds.
class Histogram {
 public:
  static constexpr std::size_t kMaxBounds = 20;

  // `bounds` ascend, are kMaxBounds at most, and live for ever.
  explicit constexpr Histogram(std::span<const std::uint64_t> bounds) : bounds_(bounds) {}

  void Observe(std::uint64_t value) {
    const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    buckets_[static_cast<std::size_t>(bound - bounds_.begin())].Add();
    sum_.Add(value);
  }
  // A duration below zero, as of a clock that stepped, counts as none.
  void Observe(std::chrono::microseconds duration) {
    Observe(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)));
  }

  struct Snapshot {
    std::span<const std::uint64_t> bounds;
    std::vector<std::uint64_t> at_most;  // for each bound how many observations it holds; at the end all
    std::uint64_t sum = 0;
  };
  // `at_most` agrees with itself whatever is observed meanwhile.
  [[nodiscard]] Snapshot Read() const {
    Snapshot snapshot{bounds_, {}, sum_.Value()};
    std::uint64_t total = 0;
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
      total += buckets_[i].Value();
      snapshot.at_most.push_back(total);
    }
    return snapshot;
  }

 private:
  const std::span<const std::uint64_t> bounds_;
  std::array<Counter, kMaxBounds + 1> buckets_;
  Counter sum_;
};

// From a memory write to a disk that stalls: 100 us to 30 s.
inline constexpr std::array<std::uint64_t, 17> kMicrosecondBounds = {
    100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,    50'000,
    100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000};
inline constexpr std::array<std::uint64_t, 13> kRecordBounds = {1,   2,   4,   8,    16,   32,  64,
                                                                128, 256, 512, 1024, 2048, 4096};

}  // namespace tillwire
