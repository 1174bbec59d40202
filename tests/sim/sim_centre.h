// The centre in a simulated run: the real ledger, on the twin of a disk, and the real acceptance; the service
// around them in virtual time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ingest/acceptance/rules.h"
#include "ingest/acceptance/stream_registry.h"
#include "ingest/acceptance/welcome.h"
#include "ingest/ledger/sqlite_ledger.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/sim/sim_bug.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_oracle.h"
#include "tests/sim/sim_store.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

class SimCentre {
 public:
  SimCentre(SimWorld& world, SimNetwork& network, SimOracle& oracle, SimBug bug, BackedUp backed_up);

  void Start();
  [[nodiscard]] bool Running() const { return store_ != nullptr; }
  // The process is killed, or its machine loses power. It starts again after a while.
  void Kill();
  void LosePower();
  // A copy of the ledger as it is; and the process stopped, that copy put back, and started.
  void TakeBackup();
  void RestoreBackup();
  // When that was last; 0 if never.
  [[nodiscard]] SimWorld::Duration RestoredAt() const { return restored_at_; }
  // Streams are told to stay away for a while.
  void PushBack();

  // Events that nothing accounted for when the terminals last said how they stand.
  [[nodiscard]] std::uint64_t Lacking() const;

  [[nodiscard]] AcceptanceRules& Rules() { return rules_; }
  [[nodiscard]] FaultyDisk& Disk() { return disk_.Disk(); }

 private:
  class Session;

  void Die(const std::string& how);
  void DieSoon();
  void StartSoon();
  void ReadNewEntries();

  SimWorld& world_;
  SimNetwork& network_;
  SimOracle& oracle_;
  const SimBug bug_;
  const BackedUp backed_up_;
  const TempDirectory directory_;
  FaultyVfs disk_;
  SimClock clock_;
  AcceptanceRules rules_;
  std::unique_ptr<SqliteLedger> ledger_;
  std::unique_ptr<LedgerTransaction> sabotaged_;  // with some bugs, what acceptance sees of the ledger
  std::unique_ptr<StreamRegistry> streams_;
  std::unique_ptr<SimStore> store_;
  std::map<std::uint64_t, std::shared_ptr<Session>> sessions_;
  std::optional<std::map<std::string, std::string>> backup_;
  std::map<std::uint64_t, std::uint64_t> lacking_;  // by epoch
  SimWorld::Duration restored_at_{0};
  std::uint64_t read_through_ = 0;
  std::uint64_t run_ = 0;
};

}  // namespace tillwire
