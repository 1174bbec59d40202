#include "ingest/service/record_import.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/limits.h"
#include "core/text.h"
#include "ingest/acceptance/acceptor.h"
#include "ingest/acceptance/batch_limits.h"
#include "ingest/service/batch_results.h"
#include "proto/grpc_error.h"
#include "proto/time_codec.h"
#include "proto/write_back_codec.h"

namespace tillwire {
namespace {

// A request in our own words.
struct Import {
  StreamIdentity identity;
  ImportSource source;
  std::optional<std::variant<InspectedBatch, Tombstones>> part;
};

Error Malformed(const std::string& what) {
  return {ErrorCode::kInvalidArgument, what,
          "the caller does not keep to tillwire/v1/operations.proto; update it"};
}

Result<std::string> IdOf(const char* field, const std::string& id) {
  if (!id.empty() && id.size() <= kMaxIdBytes) return id;
  return Malformed(std::string(field) + " has " + std::to_string(id.size()) + " bytes; it needs 1 to " +
                   std::to_string(kMaxIdBytes));
}

// What is left of a store that is not ours: its events would be parked one by one.
Result<void> CheckStore(const AcceptanceRules& rules, const std::string& store_id) {
  const auto& allowed = rules.allowed_stores;
  if (allowed.empty() || std::find(allowed.begin(), allowed.end(), store_id) != allowed.end()) return {};
  return Error{
      ErrorCode::kFailedPrecondition,
      "store_id " + Excerpt(store_id) + " is not in this centre's rule acceptance.allowed_stores",
      "import the file at the centre of that store, or add the store to the rule; nothing was changed"};
}

Result<Import> Decode(const v1::ImportRecordsRequest& request, const ImportParts& parts) {
  Import import;
  auto store = IdOf("store_id", request.store_id());
  if (!store) return store.error();
  auto terminal = IdOf("terminal_id", request.terminal_id());
  if (!terminal) return terminal.error();
  import.identity = {*std::move(store), *std::move(terminal)};
  const auto export_id = Uuid::FromBytes(request.export_id());
  if (!export_id) {
    return Malformed("export_id has " + std::to_string(request.export_id().size()) + " bytes; it needs 16");
  }
  const auto exported_at = DecodeTime(request.exported_time());
  if (!exported_at) return Malformed("exported_time is outside the years 1 to 9999");
  import.source = {*export_id, *exported_at};
  if (auto allowed = CheckStore(parts.rules, import.identity.store_id); !allowed) return allowed.error();
  if (request.part_case() == v1::ImportRecordsRequest::PART_NOT_SET) return import;

  v1::WriteBackRequest stream;
  if (request.has_batch()) {
    *stream.mutable_batch() = request.batch();
  } else {
    *stream.mutable_tombstones() = request.tombstones();
  }
  auto decoded = DecodeToCentre(std::move(stream));
  if (!decoded) return decoded.error();
  if (auto* batch = std::get_if<EventBatch>(&*decoded)) {
    if (auto limits = CheckLimits(*batch, parts.limits); !limits) return limits.error();
    import.part = Inspect(std::move(*batch), import.identity, parts.rules);
  } else {
    auto& tombstones = std::get<Tombstones>(*decoded);
    if (auto limits = CheckLimits(tombstones, parts.limits); !limits) return limits.error();
    import.part = std::move(tombstones);
  }
  return import;
}

// On the commit thread, in its transaction.
BatchResult TakeIn(LedgerTransaction& ledger, const Import& import, WallTime now) {
  const ImportRow row = ledger.EnsureImport(import.source, now);
  return std::visit([&](const auto& part) { return Accept(ledger, import.identity, part, now, row); },
                    *import.part);
}

void Encode(BatchResult answer, v1::BatchResult& wire) {
  v1::WriteBackResponse stream;
  EncodeToAgent(std::move(answer), stream);
  wire.Swap(stream.mutable_batch_result());
}

}  // namespace

void ImportRecords(const ImportParts& parts, const v1::ImportRecordsRequest& request,
                   v1::ImportRecordsResponse& response, grpc::ServerUnaryReactor& reactor) {
  auto decoded = Decode(request, parts);
  if (!decoded) return reactor.Finish(ToGrpcStatus(decoded.error()));
  response.mutable_limits()->set_max_batch_records(parts.limits.max_batch_records);
  response.mutable_limits()->set_max_batch_bytes(parts.limits.max_batch_bytes);
  response.mutable_limits()->set_window_batches(parts.limits.window_batches);
  auto import = std::make_shared<const Import>(std::move(*decoded));
  if (!import->part) {
    spdlog::info("ingest: an import begins store={} terminal={} export={}", import->identity.store_id,
                 import->identity.terminal_id, import->source.export_id.ToString());
    return reactor.Finish(grpc::Status::OK);
  }
  auto answer = std::make_shared<BatchResult>();
  GroupCommit::Job job;
  job.work = [&parts, import, answer] {
    *answer = TakeIn(parts.ledger.Transaction(), *import, parts.clock.WallNow());
    parts.timed_ledger.NoteRecords(answer->results.size());
  };
  job.done = [&parts, &response, &reactor, import, answer](const Result<void>& committed) {
    if (!committed) {
      spdlog::error("ingest: commit failed store={} terminal={} error=\"{}\"", import->identity.store_id,
                    import->identity.terminal_id, committed.error().Text());
      if (parts.commit.Failed()) parts.ledger_failed();
      return reactor.Finish(ToGrpcStatus(
          {ErrorCode::kUnavailable, "the centre can't write its ledger now", "import the file again later"}));
    }
    parts.feed.Announce();
    LogResults(import->identity, *answer);
    CountResults(parts.metrics, *answer, std::holds_alternative<Tombstones>(*import->part));
    Encode(std::move(*answer), *response.mutable_result());
    reactor.Finish(grpc::Status::OK);
  };
  parts.commit.Submit(std::move(job));
}

}  // namespace tillwire
