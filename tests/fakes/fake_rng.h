// Randomness that a seed repeats.
#pragma once

#include <mutex>
#include <random>

#include "core/rng.h"

namespace tillwire {

// Any thread may call; the order of the calls is then the threads' affair.
class FakeRng final : public Rng {
 public:
  explicit FakeRng(std::uint64_t seed = 1) : engine_(seed) {}
  std::uint64_t Next() override {
    const std::lock_guard lock(mutex_);
    return engine_();
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace tillwire
