// Time as the product reads it. Logic takes time as data; only edges ask a Clock.
#pragma once

#include <chrono>
#include <string>

namespace tillwire {

// Time since the epoch by the wall clock. It may be wrong and may step; nothing is ordered by it.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
// Time since this boot, suspended time included; never steps. Timers and ages within one boot go by it.
using BootTime = std::chrono::microseconds;

// Both times of one moment.
struct ClockSample {
  WallTime wall;
  BootTime boot;
  bool synchronized = false;  // whether the kernel holds the wall clock to be synchronized
};

// Every implementation may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime WallNow() const = 0;
  [[nodiscard]] virtual BootTime BootNow() const = 0;
  [[nodiscard]] virtual ClockSample Sample() const = 0;
};

// Microseconds since the epoch, the form in which wall times are stored.
inline std::int64_t ToMicros(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime FromMicros(std::int64_t micros) {
  return WallTime(std::chrono::microseconds(micros));
}

}  // namespace tillwire
