#include "platform/system_clock.h"

#include <sys/timex.h>
#include <time.h>

#include <fstream>

namespace tillwire {
namespace {

std::chrono::microseconds Read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::seconds(now.tv_sec) +
                                                               std::chrono::nanoseconds(now.tv_nsec));
}

std::string ReadFirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

WallTime SystemClock::WallNow() const {
  return WallTime(Read(CLOCK_REALTIME));
}

BootTime SystemClock::BootNow() const {
  return Read(CLOCK_BOOTTIME);
}

ClockSample SystemClock::Sample() const {
  timex state{};
  const bool synchronized = adjtimex(&state) != TIME_ERROR;
  return {WallNow(), BootNow(), synchronized};
}

std::string ReadBootId() {
  const std::string id = ReadFirstLine("/proc/sys/kernel/random/boot_id");
  return id.empty() ? "unknown" : id;
}

std::string ReadMachineId(const std::string& path) {
  return ReadFirstLine(path);
}

}  // namespace tillwire
