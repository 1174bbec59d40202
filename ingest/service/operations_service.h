// OperationsService over gRPC: looking into the running service. Reads go through the commit thread in
// bounded pages, so that only one connection ever touches the ledger, and what is shown is on disk.
#pragma once

#include <memory>

#include "core/clock.h"
#include "ingest/acceptance/stream_registry.h"
#include "ingest/ledger/ledger.h"
#include "ingest/service/entry_feed.h"
#include "storage/group_commit.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tillwire {

// What the service works with. All of it outlives the service and its calls.
struct OperationsParts {
  Ledger& ledger;  // used on the thread of `commit` alone
  GroupCommit& commit;
  const StreamRegistry& streams;
  EntryFeed& feed;
  WallTime started_at;
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
