// OperationsService over gRPC: looking into the running service, and importing files. Reads go through the
// commit thread in bounded pages, so that only one connection ever touches the ledger, and what is shown is
// on disk.
#pragma once

#include <functional>
#include <memory>

#include "core/clock.h"
#include "core/write_back.h"
#include "ingest/acceptance/rules.h"
#include "ingest/acceptance/stream_registry.h"
#include "ingest/ledger/ledger.h"
#include "ingest/oversight/terminal_register.h"
#include "ingest/service/entry_feed.h"
#include "ingest/service/ingestion_metrics.h"
#include "storage/group_commit.h"
#include "storage/timed_store.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tillwire {

// What the service works with. All of it outlives the service and its calls.
struct OperationsParts {
  Ledger& ledger;  // used on the thread of `commit` alone
  GroupCommit& commit;
  const StreamRegistry& streams;
  const TerminalRegister& terminals;
  EntryFeed& feed;
  WallTime started_at;
  const Clock& clock;
  // For what export files bring; as those of the ingestion service.
  std::function<void()> ledger_failed;
  TimedStore& timed_ledger;
  IngestionMetrics& metrics;
  AcceptanceRules rules;
  StreamLimits limits;
};

class OperationsService {
 public:
  explicit OperationsService(OperationsParts parts);
  // The server has shut down, and `commit` has stopped.
  ~OperationsService();

  // To register with a server; owned by this.
  [[nodiscard]] grpc::Service& Grpc();
  // Ends every call that lists or follows with UNAVAILABLE.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
