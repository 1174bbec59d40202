// The clock of one machine in a simulated run. It goes with the world's time.
#pragma once

#include "core/clock.h"
#include "tests/sim/sim_world.h"

namespace tillwire {

// `world` outlives it.
class SimClock final : public Clock {
 public:
  // The wall clock runs `wall_rate` times as fast as boot time.
  explicit SimClock(const SimWorld& world, int wall_rate = 1) : world_(world), wall_rate_(wall_rate) {}

  [[nodiscard]] WallTime WallNow() const override { return wall_at_begin_ + world_.Now() * wall_rate_; }
  [[nodiscard]] BootTime BootNow() const override { return world_.Now(); }
  [[nodiscard]] ClockSample Sample() const override { return {WallNow(), BootNow(), true}; }

  // Somebody sets the wall clock; boot time does not notice.
  void StepWall(std::chrono::hours step) { wall_at_begin_ += step; }

 private:
  const SimWorld& world_;
  const int wall_rate_;
  WallTime wall_at_begin_ = FromMicros(1'780'000'000'000'000);
};

}  // namespace tillwire
