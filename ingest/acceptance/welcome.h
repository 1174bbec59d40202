// The centre's answer to Hello: what it has of the agent's history.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/write_back.h"
#include "ingest/ledger/ledger.h"

namespace tillwire {

// Epochs that one Hello may name.
inline constexpr std::size_t kMaxEpochsInHello = 1024;

// What the agent may prune by.
enum class BackedUp {
  kAccepted,  // whatever the ledger holds: a centre without backups
  kNothing,   // agents prune nothing
};

struct Greeting {
  Welcome welcome;
  // The centre has a later history of the agent's newest epoch than the agent: an older copy of its outbox
  // was put back, or two copies live.
  std::optional<StartNewEpoch> start_new_epoch;
};

// kInvalidArgument if Hello exceeds a limit; the message names it.
Result<void> CheckHello(const Hello& hello);

// Reads a row for each accepted range, parked record and tombstone of the epochs named. Hello has passed
// CheckHello().
Greeting Greet(LedgerTransaction& ledger, const Hello& hello, BackedUp backed_up);

}  // namespace tillwire
