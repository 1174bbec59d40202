// How long to wait before the next attempt.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/rng.h"

namespace tillwire {

// Exponential back-off with full jitter: the n-th delay is uniform in [0, min(cap, base * 2^n)], which does
// the least work when many come back together (Brooker, "Exponential Backoff And Jitter", AWS Architecture
// Blog, 2015).
class Backoff {
 public:
  Backoff(std::chrono::milliseconds base, std::chrono::milliseconds cap) : base_(base), cap_(cap) {}

  // The next delay; each call counts as a failed attempt.
  std::chrono::milliseconds Next(Rng& rng);
  // From here on delays come from the whole of [0, cap]: trying often can't help.
  void JumpToCap() { attempts_ = kMaxDoublings; }
  void Reset() { attempts_ = 0; }

 private:
  static constexpr std::uint32_t kMaxDoublings = 30;

  std::chrono::milliseconds base_;
  std::chrono::milliseconds cap_;
  std::uint32_t attempts_ = 0;
};

}  // namespace tillwire
