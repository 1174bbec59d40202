// The machine's clocks (Linux).
#pragma once

#include <string>

#include "core/clock.h"

namespace tillwire {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime WallNow() const override;
  [[nodiscard]] BootTime BootNow() const override;  // CLOCK_BOOTTIME: goes on while the machine sleeps
  [[nodiscard]] ClockSample Sample() const override;
};

// The kernel's random name for this boot; "unknown" where /proc is not mounted.
std::string ReadBootId();

// The machine's name for life: the content of /etc/machine-id or another file; empty where it can't be read.
std::string ReadMachineId(const std::string& path);

}  // namespace tillwire
