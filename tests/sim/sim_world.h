// Virtual time, chance and the trace of one simulated run. Everything in a run happens on one thread, in the
// order of virtual time, and follows from the seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/clock.h"
#include "tests/fakes/fake_rng.h"

namespace tillwire {

class SimWorld {
 public:
  using Duration = std::chrono::microseconds;

  // `print`: each line of the trace goes to standard output as it happens; else the last ones are kept.
  SimWorld(std::uint64_t seed, bool print) : rng_(seed), print_(print) {}

  // Since the run began.
  [[nodiscard]] Duration Now() const { return now_; }
  void In(Duration delay, std::function<void()> what);
  // Runs what is due until `end`, and stops there; sooner if `stop` says so after a step.
  void RunUntil(Duration end, const std::function<bool()>& stop);

  [[nodiscard]] Rng& Random() { return rng_; }
  // 0 to bound - 1.
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound) { return rng_.Next() % bound; }
  [[nodiscard]] bool OneIn(std::uint64_t chances) { return Below(chances) == 0; }
  [[nodiscard]] Duration Between(Duration least, Duration most) {
    return least +
           Duration(static_cast<std::int64_t>(Below(static_cast<std::uint64_t>((most - least).count()) + 1)));
  }

  void Trace(const std::string& who, const std::string& what);
  [[nodiscard]] const std::deque<std::string>& LastLines() const { return lines_; }
  [[nodiscard]] std::uint64_t TraceDigest() const { return trace_digest_; }
  [[nodiscard]] std::uint64_t Steps() const { return steps_; }

 private:
  static constexpr std::size_t kKeptLines = 60;

  FakeRng rng_;
  const bool print_;
  Duration now_{0};
  std::uint64_t next_number_ = 0;
  std::uint64_t steps_ = 0;
  std::size_t trace_digest_ = 0;
  // By time, then in the order in which they were asked for.
  std::map<std::pair<Duration, std::uint64_t>, std::function<void()>> due_;
  std::deque<std::string> lines_;
};

}  // namespace tillwire
