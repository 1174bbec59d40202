#include "core/metrics.h"

#include <catch2/catch.hpp>
#include <thread>

namespace tillwire {
namespace {

constexpr std::array<std::uint64_t, 3> kBounds = {10, 20, 40};

enum class Fruit { kUnspecified, kApple, kPear };

TEST_CASE("A histogram counts what is at most each bound") {
  Histogram histogram(kBounds);
  for (const std::uint64_t value : {0U, 10U, 11U, 40U, 41U, 1000U}) histogram.Observe(value);
  const auto read = histogram.Read();
  CHECK(read.at_most == std::vector<std::uint64_t>{2, 3, 4, 6});
  CHECK(read.sum == 1102);
  CHECK(read.bounds.size() == 3);
}

TEST_CASE("A duration below zero counts as none") {
  Histogram histogram(kBounds);
  histogram.Observe(std::chrono::microseconds(-5));
  CHECK(histogram.Read().at_most == std::vector<std::uint64_t>{1, 1, 1, 1});
  CHECK(histogram.Read().sum == 0);
}

TEST_CASE("A counter by enum keeps its values apart, and strangers under the first") {
  CounterBy<Fruit, Fruit::kPear> counters;
  counters[Fruit::kPear].Add(2);
  counters[static_cast<Fruit>(77)].Add();
  CHECK(counters[Fruit::kPear].Value() == 2);
  CHECK(counters[Fruit::kApple].Value() == 0);
  CHECK(counters[Fruit::kUnspecified].Value() == 1);
}

TEST_CASE("Nothing is lost between threads") {
  Histogram histogram(kBounds);
  Counter counter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < 10'000; ++i) {
        histogram.Observe(i % 50);
        counter.Add();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(counter.Value() == 40'000);
  CHECK(histogram.Read().at_most.back() == 40'000);
}

TEST_CASE("The bounds that are in use fit a histogram and ascend") {
  STATIC_REQUIRE(kMicrosecondBounds.size() <= Histogram::kMaxBounds);
  STATIC_REQUIRE(kRecordBounds.size() <= Histogram::kMaxBounds);
  CHECK(std::is_sorted(kMicrosecondBounds.begin(), kMicrosecondBounds.end()));
  CHECK(std::is_sorted(kRecordBounds.begin(), kRecordBounds.end()));
}

}  // namespace
}  // namespace tillwire
