// A clock that stands still until a test moves it.
#pragma once

#include <mutex>

#include "core/clock.h"

namespace tillwire {

// Any thread may call.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime wall = FromMicros(1'780'000'000'000'000), BootTime boot = BootTime(0)) {
    sample_.wall = wall;
    sample_.boot = boot;
    sample_.synchronized = true;
  }

  [[nodiscard]] WallTime WallNow() const override { return Sample().wall; }
  [[nodiscard]] BootTime BootNow() const override { return Sample().boot; }
  [[nodiscard]] ClockSample Sample() const override {
    const std::lock_guard lock(mutex_);
    return sample_;
  }

  // Time passes: both clocks move.
  void Advance(std::chrono::microseconds step) {
    const std::lock_guard lock(mutex_);
    sample_.wall += step;
    sample_.boot += step;
  }
  // Somebody sets the wall clock; boot time does not notice.
  void SetWall(WallTime wall) {
    const std::lock_guard lock(mutex_);
    sample_.wall = wall;
  }
  void SetBoot(BootTime boot) {
    const std::lock_guard lock(mutex_);
    sample_.boot = boot;
  }
  void SetSynchronized(bool synchronized) {
    const std::lock_guard lock(mutex_);
    sample_.synchronized = synchronized;
  }

 private:
  mutable std::mutex mutex_;
  ClockSample sample_;
};

}  // namespace tillwire
