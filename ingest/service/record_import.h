// One call that takes in a part of an export file. Only operations_service.cc uses it.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>

#include "core/clock.h"
#include "core/write_back.h"
#include "ingest/acceptance/rules.h"
#include "ingest/ledger/ledger.h"
#include "ingest/service/entry_feed.h"
#include "ingest/service/ingestion_metrics.h"
#include "storage/group_commit.h"
#include "storage/timed_store.h"
#include "tillwire/v1/operations.pb.h"

namespace tillwire {

// What an import works with. All of it outlives the service and its calls.
struct ImportParts {
  Ledger& ledger;  // used on the thread of `commit` alone
  GroupCommit& commit;
  EntryFeed& feed;  // told of each commit that a part took part in
  const Clock& clock;
  std::function<void()> ledger_failed;  // as of IngestionParts
  TimedStore& timed_ledger;             // likewise
  IngestionMetrics& metrics;
  AcceptanceRules rules;
  StreamLimits limits;
};

// Fills in the response and finishes the call, at once or when the commit is durable. `parts` outlives it.
void ImportRecords(const ImportParts& parts, const v1::ImportRecordsRequest& request,
                   v1::ImportRecordsResponse& response, grpc::ServerUnaryReactor& reactor);

}  // namespace tillwire
