// One simulated run: a terminal (and copies of it), the centre, the network, and everything that can go wrong
// between them, all from one seed. docs/guarantee.md says what must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/sim_bug.h"

namespace tillwire {

struct SimOptions {
  std::uint64_t seed = 1;
  bool print_trace = false;
  SimBug bug = SimBug::kNone;
};

struct SimReport {
  std::vector<std::string> complaints;  // what did not hold; empty if all did
  std::vector<std::string> last_lines;  // of the trace, where something did not hold
  std::uint64_t acknowledged = 0;
  std::uint64_t in_effect = 0;
  std::uint64_t lost_with_their_file = 0;  // only in a file that was replaced together with its mark
  std::uint64_t offered_to_people = 0;     // came after their sequence had been closed as lost
  std::uint64_t steps = 0;
  std::uint64_t trace_digest = 0;  // of the whole trace: equal runs have equal ones
  std::string faults;              // which kinds were at work in this run

  // The end of the trace and what did not hold.
  [[nodiscard]] std::string Text() const;
};

// Many runs together.
struct SimTally {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  SimReport sums;

  void Add(const SimReport& report);
  // One line.
  [[nodiscard]] std::string Text() const;
};

// Not for two threads at once. Turns the log of this process off.
SimReport Simulate(const SimOptions& options);

}  // namespace tillwire
