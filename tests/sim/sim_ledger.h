// The ledger of a simulated run, which the centre's replicas share: they run on one machine, and one of them
// at a time has it open.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "ingest/acceptance/rules.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/sim/sim_world.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

struct SimLedger {
  TempDirectory directory;
  FaultyVfs disk{"sim-centre"};
  AcceptanceRules rules;                           // of whichever replica serves
  bool open = false;                               // by a replica that runs, or hangs
  std::uint64_t openings = 0;                      // since the run began
  std::uint64_t read_through = 0;                  // by the oracle
  std::map<std::uint64_t, std::uint64_t> lacking;  // events that nothing accounts for, by epoch
  std::optional<std::map<std::string, std::string>> backup;
  SimWorld::Duration restored_at{0};  // when that was last put back; 0 if never
};

}  // namespace tillwire
