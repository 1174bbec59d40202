// Power cuts between the changes of a scripted day.
#pragma once

#include <cstdint>

#include "tests/storage/scripted_day.h"

namespace tillwire {

// Requires (Catch2) that the outbox opens, and checks that nothing acknowledged is missing in it.
void RequireRecovery(ScriptedDay& day);
// Checks that alone, on an open outbox.
void CheckSound(ScriptedDay& day);

// Cuts the power before every step-th change of the day, clean and torn, and for each of those before every
// change of the recovery from it; checks (Catch2) that nothing acknowledged is missing after the last, and
// prints how many cuts that were.
void CutEverywhere(std::uint64_t step);

}  // namespace tillwire
