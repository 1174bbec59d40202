#include "tests/support/ledger_reader.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "tests/support/rpc_error.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {
namespace {

constexpr std::chrono::seconds kTimeout{60};

std::unique_ptr<v1::OperationsService::Stub> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::OperationsService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

LedgerEntry FromWire(const v1::LedgerEntry& wire) {
  LedgerEntry entry;
  entry.position = wire.position();
  entry.kind = wire.kind() == v1::LEDGER_ENTRY_KIND_ACCEPTED     ? LedgerEntryKind::kAccepted
               : wire.kind() == v1::LEDGER_ENTRY_KIND_REAPPEARED ? LedgerEntryKind::kReappeared
                                                                 : LedgerEntryKind::kTombstone;
  entry.received_time =
      FromMicros(wire.received_time().seconds() * 1'000'000 + wire.received_time().nanos() / 1'000);
  entry.store_id = wire.store_id();
  entry.terminal_id = wire.terminal_id();
  entry.id = {wire.epoch(), wire.sequence()};
  entry.last_sequence = wire.last_sequence();
  entry.lane = wire.lane();
  entry.previous_hash = Hash::FromBytes(wire.previous_hash()).value_or(Hash{});
  entry.hash = Hash::FromBytes(wire.hash()).value_or(Hash{});
  entry.event = wire.event();
  entry.cause = wire.cause();
  entry.export_id = wire.export_id();
  return entry;
}

}  // namespace

Result<std::vector<LedgerEntry>> ReadLedger(const std::string& address) {
  const auto stub = Connect(address);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  const auto reader = stub->ListLedgerEntries(&context, v1::ListLedgerEntriesRequest{});
  std::vector<LedgerEntry> entries;
  v1::ListLedgerEntriesResponse response;
  while (reader->Read(&response)) {
    entries.push_back(FromWire(response.entry()));
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) {
    return ErrorFromRpc(status);
  }
  return entries;
}

Result<CentreCounts> ReadCentreCounts(const std::string& address) {
  const auto stub = Connect(address);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  v1::GetIngestionStatusResponse response;
  const grpc::Status status = stub->GetIngestionStatus(&context, {}, &response);
  if (!status.ok()) {
    return ErrorFromRpc(status);
  }
  CentreCounts counts;
  counts.accepted = response.accepted();
  counts.duplicates = response.duplicates();
  counts.parked = response.parked();
  counts.tombstoned = response.tombstoned();
  counts.conflicts = response.conflicts();
  counts.reappeared = response.reappeared();
  counts.imported = response.imported();
  counts.connected_streams = response.connected_streams();
  return counts;
}

}  // namespace tillwire
