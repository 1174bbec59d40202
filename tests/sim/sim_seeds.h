// Many seeds of the simulator, checked (Catch2).
#pragma once

#include <cstdint>

namespace tillwire {

// Runs `count` seeds from `first`, checks that none has a complaint (and prints those, with the end of the
// trace and how to replay it), and prints what the runs amounted to.
void CheckSeeds(std::uint64_t first, std::uint64_t count);

}  // namespace tillwire
