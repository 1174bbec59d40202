// Which records take effect. docs/wire-protocol.md has the rules; this is where the centre keeps them.
//
// Pure logic over a ledger's transaction: nothing here reads a clock, blocks or throws but what the ledger
// throws. Each record is judged by itself, in the batch's order, and later records see what earlier ones did.
#pragma once

#include <optional>

#include "core/clock.h"
#include "core/write_back.h"
#include "ingest/acceptance/rules.h"
#include "ingest/ledger/ledger.h"

namespace tillwire {

// Judges a batch and writes what follows from it. One result for each record. Sequences are from 1 to
// kMaxSequence and ascend. `import` is the export file that brought the batch, if it did not come on a
// stream: its entries are marked, and nothing else differs.
BatchResult Accept(LedgerTransaction& ledger, const StreamIdentity& identity, const InspectedBatch& inspected,
                   WallTime now, std::optional<ImportRow> import = std::nullopt);

// Closes sequences that will never come. One result for each tombstone. first and last are from 1 to
// kMaxSequence.
BatchResult Accept(LedgerTransaction& ledger, const StreamIdentity& identity, const Tombstones& tombstones,
                   WallTime now, std::optional<ImportRow> import = std::nullopt);

}  // namespace tillwire
