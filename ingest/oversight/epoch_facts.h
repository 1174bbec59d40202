// Compares what a terminal says of an epoch with what the ledger holds.
#pragma once

#include "ingest/ledger/ledger.h"
#include "ingest/oversight/terminal_record.h"

namespace tillwire {

// How many missing ranges are named.
inline constexpr std::size_t kMaxMissingRanges = 16;

// Reads the epoch's ranges, parked sequences and tombstones, not its events.
EpochFacts ReadEpochFacts(LedgerTransaction& ledger, const StreamIdentity& identity,
                          const EpochDigest& digest);

}  // namespace tillwire
