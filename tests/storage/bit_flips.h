// Random bits of an outbox's files turned over, one in each run.
#pragma once

#include <cstdint>

namespace tillwire {

// Turns `count` bits, each in files as they were, and checks (Catch2) that each run ends intact, salvaged,
// reported or refused, and never in a loss that nobody names, but for what rule 7 allows, which is counted
// apart. Prints the seed, what the runs amounted to, and each run that did not hold. TILLWIRE_SEED repeats a
// seed, TILLWIRE_FLIP one run of it.
void FlipBits(std::uint64_t count);

}  // namespace tillwire
