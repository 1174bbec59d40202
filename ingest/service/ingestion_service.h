// IngestionService over gRPC: the agents' streams. What a record means is acceptance's business; here is who
// may send what and when, and that nothing is answered before it is on disk.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "core/clock.h"
#include "core/write_back.h"
#include "ingest/acceptance/rules.h"
#include "ingest/acceptance/stream_registry.h"
#include "ingest/acceptance/welcome.h"
#include "ingest/ledger/ledger.h"
#include "ingest/oversight/terminal_register.h"
#include "ingest/phase_probe.h"
#include "ingest/service/entry_feed.h"
#include "ingest/service/ingestion_metrics.h"
#include "storage/group_commit.h"
#include "storage/timed_store.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tillwire {

struct IngestionOptions {
  AcceptanceRules rules;
  StreamLimits limits;
  BackedUp backed_up = BackedUp::kAccepted;
  std::chrono::milliseconds hello_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds write_timeout = std::chrono::seconds(60);  // for an agent to take one message
  std::size_t max_streams = 20'000;                                    // at a time; further ones are refused
};

// What the service works with. All of it outlives the service and its calls.
struct IngestionParts {
  Ledger& ledger;  // used on the thread of `commit` alone
  GroupCommit& commit;
  StreamRegistry& streams;
  TerminalRegister& terminals;
  EntryFeed& feed;  // told of each commit that a batch took part in
  const Clock& clock;
  // Called on the commit thread when the ledger's disk failed in a way that only a restart can follow; maybe
  // often.
  std::function<void()> ledger_failed;
  TimedStore& timed_ledger;  // what `commit` commits; used on its thread alone
  IngestionMetrics& metrics;
  // Called on any thread when a stream has begun or ended; may be empty.
  std::function<void()> streams_changed;
  CentreProbe probe = {};  // may be empty
};

class IngestionService {
 public:
  IngestionService(IngestionParts parts, IngestionOptions options);
  // The server has shut down, and `commit` has stopped.
  ~IngestionService();

  // To register with a server; owned by this.
  [[nodiscard]] grpc::Service& Grpc();
  // Ends every stream with UNAVAILABLE. Batches that were not answered come again.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
