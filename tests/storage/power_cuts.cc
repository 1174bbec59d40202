#include "tests/storage/power_cuts.h"

#include <catch2/catch.hpp>
#include <iostream>

namespace tillwire {
namespace {

// Each cut is one of these: nothing unsynced survives, or any part of it does.
enum class Cut { kClean, kTorn };

// Changes that a whole day makes.
std::uint64_t ChangesOfADay() {
  ScriptedDay day("whole-day");
  REQUIRE(day.Run());
  const std::uint64_t changes = day.Disk().Changes();
  CHECK(day.Complaints().empty());
  return changes;
}

struct Tally {
  std::uint64_t first_cuts = 0;
  std::uint64_t second_cuts = 0;
  std::uint64_t acknowledged = 0;
};

// Cuts the power before the nth change of the day, and then before each change of the recovery from that.
void CutAndRecover(std::uint64_t nth, Cut cut, Tally& tally) {
  for (std::uint64_t second = 1;; ++second) {
    ScriptedDay day("cut-day");
    FakeRng torn(nth * 1000 + second);
    Rng* const survivors = cut == Cut::kTorn ? &torn : nullptr;
    INFO("power cut before change " << nth << ", in the recovery before change " << second
                                    << (cut == Cut::kTorn ? ", torn" : ", clean"));
    day.Disk().PowerCutAt(nth, survivors);
    const bool whole = day.Run();
    CHECK_FALSE(whole);
    if (whole) return;
    ++tally.first_cuts;
    tally.acknowledged += day.Acknowledged();
    day.Disk().PowerCutAt(second, survivors);
    const bool recovered_at_once = day.Recover().ok() && day.Disk().Powered();
    if (!recovered_at_once) ++tally.second_cuts;
    day.Disk().CancelPlan();
    if (recovered_at_once) return CheckSound(day);
    RequireRecovery(day);
  }
}

}  // namespace

void RequireRecovery(ScriptedDay& day) {
  const auto recovered = day.Recover();
  INFO((recovered ? std::string() : recovered.error().Text()));
  REQUIRE(recovered.ok());
  CheckSound(day);
}

void CheckSound(ScriptedDay& day) {
  const std::string complaints = day.Complaints();
  INFO(complaints);
  CHECK(complaints.empty());
}

void CutEverywhere(std::uint64_t step) {
  const std::uint64_t changes = ChangesOfADay();
  Tally tally;
  for (std::uint64_t nth = 1; nth <= changes; nth += step) {
    CutAndRecover(nth, Cut::kClean, tally);
    CutAndRecover(nth, Cut::kTorn, tally);
  }
  std::cout << "power cuts: a day of " << changes << " changes, cut " << tally.first_cuts
            << " times, and again in the recovery " << tally.second_cuts << " times; " << tally.acknowledged
            << " acknowledged captures looked for\n";
  CHECK(tally.first_cuts > 0);
}

}  // namespace tillwire
