// A ledger that has forgotten something: what the simulator puts between acceptance and the real one to see
// whether its checks notice.
#pragma once

#include <memory>

#include "ingest/ledger/ledger.h"

namespace tillwire {

// `ranges`: all that was accepted before now. `moves`: which first identities were recaptured, and which
// event ids are in effect.
struct Forgotten {
  bool ranges = false;
  bool moves = false;
};

// `ledger` outlives it.
std::unique_ptr<LedgerTransaction> MakeSabotagedLedger(LedgerTransaction& ledger, Forgotten forgotten);

}  // namespace tillwire
