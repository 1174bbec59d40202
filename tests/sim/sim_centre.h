// A replica of the centre in a simulated run: the real ledger, on the twin of a disk, and the real
// acceptance; the service around them in virtual time. What the product has is one ledger with one owner: a
// second replica stands by, tries to open the ledger, is refused by the real owner lock, and takes over when
// the first has ended.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/acceptance/stream_registry.h"
#include "ingest/acceptance/welcome.h"
#include "ingest/ledger/sqlite_ledger.h"
#include "tests/sim/sim_bug.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_ledger.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_oracle.h"
#include "tests/sim/sim_store.h"

namespace tillwire {

class SimCentre {
 public:
  // `name` is for the trace. What it is given outlives it.
  SimCentre(SimWorld& world, SimNetwork& network, SimOracle& oracle, SimBug bug, BackedUp backed_up,
            SimLedger& ledger, std::string name);

  // Opens the ledger and serves; later, where another replica has it open.
  void Start();
  [[nodiscard]] bool Running() const { return store_ != nullptr; }
  // The process is killed, or its machine loses power. It starts again after a while.
  void Kill();
  void LosePower();
  // The process stands still, with its streams and the ledger open, and hears what came meanwhile when it
  // goes on; unless it is killed, so that another replica takes over.
  void Hang();
  // A copy of the ledger as it is; and the process stopped, that copy put back, and started.
  void TakeBackup();
  void RestoreBackup();
  // Streams are told to stay away for a while.
  void PushBack();

 private:
  class Session;

  void Die(const std::string& how);
  void DieSoon();
  void StartSoon();
  void ReadNewEntries();
  void GoOn();
  // Now, or when the process goes on.
  void Hear(std::function<void()> what);
  [[nodiscard]] FaultyDisk& Disk() { return shared_.disk.Disk(); }

  SimWorld& world_;
  SimNetwork& network_;
  SimOracle& oracle_;
  const SimBug bug_;
  const BackedUp backed_up_;
  SimLedger& shared_;
  const std::string name_;
  SimClock clock_;
  std::unique_ptr<SqliteLedger> ledger_;
  std::unique_ptr<LedgerTransaction> sabotaged_;  // with some bugs, what acceptance sees of the ledger
  std::unique_ptr<StreamRegistry> streams_;
  std::unique_ptr<SimStore> store_;
  std::map<std::uint64_t, std::shared_ptr<Session>> sessions_;
  bool hangs_ = false;
  std::vector<std::function<void()>> heard_late_;  // while it hangs
  std::uint64_t run_ = 0;
};

}  // namespace tillwire
