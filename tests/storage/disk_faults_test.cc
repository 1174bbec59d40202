// The outbox on a disk that loses power between any two changes, fails at any call, or is full.
#include <catch2/catch.hpp>
#include <iostream>

#include "tests/storage/power_cuts.h"

namespace tillwire {
namespace {

TEST_CASE("Power may fail between any two changes of a day, and again while the outbox recovers") {
  // A prime, so that the cuts fall on every kind of change.
  CutEverywhere(13);
}

// Lets the fault strike at the first call of its kind, the second, and so on, until a day passes untouched.
void FailEverywhere(DiskFault fault, FaultyDisk::Lasting lasting) {
  std::uint64_t struck = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    INFO("the fault strikes at call " << nth);
    ScriptedDay day("faulty-day");
    day.Disk().FailAt(fault, nth, lasting);
    const bool whole = day.Run();
    const bool untouched = !day.Disk().Struck();
    day.Disk().Heal();
    if (untouched) {
      CHECK(whole);
      break;
    }
    ++struck;
    RequireRecovery(day);
  }
  CHECK(struck > 0);
  std::cout << "disk faults: struck " << struck << " days of the same course, each at another call\n";
}

TEST_CASE(
    "A disk that is full, fails to write, to read or to sync, or turns read-only, at any call, loses "
    "nothing") {
  const auto fault = GENERATE(DiskFault::kNoSpace, DiskFault::kWriteError, DiskFault::kReadError,
                              DiskFault::kSyncError, DiskFault::kReadOnly);
  const auto lasting = GENERATE(FaultyDisk::Lasting::kOnce, FaultyDisk::Lasting::kForEver);
  INFO("fault " << static_cast<int>(fault)
                << (lasting == FaultyDisk::Lasting::kOnce ? " once" : " for ever"));
  FailEverywhere(fault, lasting);
}

}  // namespace
}  // namespace tillwire
