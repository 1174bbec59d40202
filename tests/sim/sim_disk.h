// What both programs of a simulated run do with their disks.
#pragma once

#include <optional>

#include "tests/fakes/faulty_disk.h"
#include "tests/sim/sim_world.h"

namespace tillwire {

// The program is killed, or the power goes, before one of the next changes.
inline void EndSoon(SimWorld& world, FaultyDisk& disk, bool of_power) {
  constexpr std::uint64_t kChangesAhead = 40;
  const std::uint64_t changes = 1 + world.Below(kChangesAhead);
  if (of_power) {
    disk.PowerCutAt(changes, &world.Random());
  } else {
    disk.KillProgramAt(changes);
  }
}

// Nothing is planned any more, and there is room.
inline void HealDisk(FaultyDisk& disk) {
  disk.Heal();
  disk.CancelPlan();
  disk.SetCapacity(std::nullopt);
}

}  // namespace tillwire
