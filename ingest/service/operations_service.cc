#include "ingest/service/operations_service.h"

#include <grpcpp/support/server_callback.h>

#include <utility>

#include "ingest/service/entry_listing.h"
#include "ingest/service/id_filter.h"
#include "ingest/service/record_import.h"
#include "ingest/service/terminal_listing.h"
#include "platform/open_calls.h"
#include "proto/grpc_error.h"
#include "proto/time_codec.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {
namespace {

// A listing that is refused at once.
class RefusedListing final : public grpc::ServerWriteReactor<v1::ListLedgerEntriesResponse> {
 public:
  explicit RefusedListing(const Error& error) { Finish(ToGrpcStatus(error)); }
  void OnDone() override { delete this; }
};

void Encode(const LedgerStatistics& statistics, v1::GetIngestionStatusResponse& wire) {
  wire.set_terminals(statistics.terminals);
  wire.set_accepted(statistics.counts.accepted);
  wire.set_duplicates(statistics.counts.duplicates);
  wire.set_parked(statistics.parked);
  wire.set_tombstoned(statistics.counts.tombstoned);
  wire.set_conflicts(statistics.counts.conflicts);
  wire.set_reappeared(statistics.counts.reappeared);
  wire.set_imported(statistics.counts.imported);
}

}  // namespace

class OperationsService::Impl final : public v1::OperationsService::CallbackService {
 public:
  explicit Impl(OperationsParts parts)
      : parts_(std::move(parts)),
        import_{parts_.ledger,       parts_.commit,  parts_.feed,  parts_.clock, parts_.ledger_failed,
                parts_.timed_ledger, parts_.metrics, parts_.rules, parts_.limits} {}

  grpc::ServerWriteReactor<v1::ListLedgerEntriesResponse>* ListLedgerEntries(
      grpc::CallbackServerContext* /*context*/, const v1::ListLedgerEntriesRequest* request) override {
    if (auto store = CheckIdFilter("store_id", request->store_id()); !store)
      return new RefusedListing(store.error());
    if (auto terminal = CheckIdFilter("terminal_id", request->terminal_id()); !terminal) {
      return new RefusedListing(terminal.error());
    }
    return EntryListing::Start({parts_.ledger, parts_.commit, parts_.feed, calls_}, *request);
  }

  grpc::ServerUnaryReactor* GetIngestionStatus(grpc::CallbackServerContext* context,
                                               const v1::GetIngestionStatusRequest* /*request*/,
                                               v1::GetIngestionStatusResponse* response) override {
    auto* reactor = context->DefaultReactor();
    auto statistics = std::make_shared<LedgerStatistics>();
    parts_.commit.Submit({[this, statistics] { *statistics = parts_.ledger.Transaction().Statistics(); },
                          [this, statistics, response, reactor](const Result<void>& committed) {
                            if (!committed) return reactor->Finish(ToGrpcStatus(committed.error()));
                            response->set_version(TILLWIRE_VERSION);
                            response->set_ledger_incarnation(parts_.ledger.Incarnation());
                            EncodeTime(parts_.started_at, *response->mutable_started_time());
                            response->set_connected_streams(
                                static_cast<std::uint32_t>(parts_.streams.OpenStreams()));
                            Encode(*statistics, *response);
                            reactor->Finish(grpc::Status::OK);
                          }});
    return reactor;
  }

  grpc::ServerUnaryReactor* ImportRecords(grpc::CallbackServerContext* context,
                                          const v1::ImportRecordsRequest* request,
                                          v1::ImportRecordsResponse* response) override {
    auto* reactor = context->DefaultReactor();
    tillwire::ImportRecords(import_, *request, *response, *reactor);
    return reactor;
  }

  grpc::ServerUnaryReactor* ListTerminals(grpc::CallbackServerContext* context,
                                          const v1::ListTerminalsRequest* request,
                                          v1::ListTerminalsResponse* response) override {
    auto* reactor = context->DefaultReactor();
    const auto listed =
        tillwire::ListTerminals(parts_.terminals, *request, parts_.clock.WallNow(), *response);
    reactor->Finish(listed ? grpc::Status::OK : ToGrpcStatus(listed.error()));
    return reactor;
  }

  void Stop() { calls_.StopAll(); }

 private:
  const OperationsParts parts_;
  const ImportParts import_;
  OpenCalls calls_;
};

OperationsService::OperationsService(OperationsParts parts)
    : impl_(std::make_unique<Impl>(std::move(parts))) {}
OperationsService::~OperationsService() = default;
grpc::Service& OperationsService::Grpc() {
  return *impl_;
}
void OperationsService::Stop() {
  impl_->Stop();
}

}  // namespace tillwire
