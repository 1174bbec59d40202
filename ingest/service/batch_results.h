// What is noted of each answer to a batch, whichever way the batch came.
#pragma once

#include "core/write_back.h"
#include "ingest/ledger/ledger.h"
#include "ingest/service/ingestion_metrics.h"

namespace tillwire {

// One line for what a person may have to look into.
void LogResults(const StreamIdentity& identity, const BatchResult& answer);
// Tombstones are counted apart from records.
void CountResults(IngestionMetrics& metrics, const BatchResult& answer, bool tombstones);

}  // namespace tillwire
