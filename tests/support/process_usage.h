// What the kernel says that a process uses.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace tillwire {

struct ProcessUsage {
  std::uint64_t anonymous_kib = 0;   // RssAnon: memory of its own
  std::uint64_t resident_kib = 0;    // VmRSS: with the pages of the program and its libraries
  std::chrono::milliseconds cpu{0};  // user and system time since it started
};

// Throws std::runtime_error if there is no such process.
ProcessUsage ReadProcessUsage(pid_t pid);

}  // namespace tillwire
