// Durations of one operation, many times over.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace tillwire {

class Samples {
 public:
  using Duration = std::chrono::nanoseconds;

  void Add(Duration duration) { durations_.push_back(duration); }
  void Add(const Samples& others) {
    durations_.insert(durations_.end(), others.durations_.begin(), others.durations_.end());
  }
  [[nodiscard]] std::size_t Count() const { return durations_.size(); }

  // The duration that `percent` of them do not exceed, in microseconds; 100 gives the longest.
  [[nodiscard]] double Percentile(double percent) const {
    if (durations_.empty()) throw std::logic_error("nothing was measured");
    std::vector<Duration> sorted = durations_;
    const auto last = static_cast<double>(sorted.size() - 1);
    const auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(last * percent / 100);
    std::nth_element(sorted.begin(), nth, sorted.end());
    return std::chrono::duration<double, std::micro>(*nth).count();
  }

 private:
  std::vector<Duration> durations_;
};

// How long `body` takes.
template <typename Body>
Samples::Duration TimeOf(Body body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::steady_clock::now() - begin;
}

}  // namespace tillwire
