#include "ingest/service/entry_listing.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

#include "proto/grpc_error.h"
#include "proto/time_codec.h"

namespace tillwire {
namespace {

void EncodeHash(const std::optional<Hash>& hash, std::string& wire) {
  if (hash) wire = hash->AsBytes();
}

void Encode(StoredEntry entry, v1::LedgerEntry& wire) {
  wire.set_position(entry.position);
  wire.set_kind(static_cast<v1::LedgerEntryKind>(entry.kind));
  EncodeTime(entry.received_at, *wire.mutable_received_time());
  wire.set_store_id(std::move(entry.identity.store_id));
  wire.set_terminal_id(std::move(entry.identity.terminal_id));
  wire.set_epoch(entry.epoch);
  wire.set_sequence(entry.sequence);
  wire.set_last_sequence(entry.last_sequence);
  wire.set_lane(std::move(entry.lane));
  EncodeHash(entry.previous_hash, *wire.mutable_previous_hash());
  EncodeHash(entry.hash, *wire.mutable_hash());
  wire.set_event(std::move(entry.event));
  wire.set_cause(std::move(entry.cause));
  if (entry.export_id) wire.set_export_id(entry.export_id->ToString());
}

}  // namespace

EntryListing* EntryListing::Start(Parts parts, const v1::ListLedgerEntriesRequest& request) {
  const auto listing = std::shared_ptr<EntryListing>(new EntryListing(parts, request));
  listing->self_ = listing;
  listing->call_ = parts.calls.Add([weak = std::weak_ptr(listing)] {
    if (const auto open = weak.lock()) {
      open->End(ToGrpcStatus({ErrorCode::kUnavailable, "the centre is stopping", "come back later"}));
    }
  });
  listing->ReadPage();
  return listing.get();
}

EntryListing::EntryListing(Parts parts, const v1::ListLedgerEntriesRequest& request)
    : parts_(parts), follow_(request.follow()) {
  query_.after_position = request.after_position();
  query_.store_id = request.store_id();
  query_.terminal_id = request.terminal_id();
  if (request.limit() != 0) remaining_ = request.limit();
}

void EntryListing::ReadPage() {
  version_ = parts_.feed.Version();
  if (remaining_) query_.max_entries = std::min<std::uint64_t>(query_.max_entries, *remaining_);
  auto page = std::make_shared<EntryPage>();
  const auto self = shared_from_this();
  parts_.commit.Submit(
      {[self, page] { *page = self->parts_.ledger.Transaction().Read(self->query_); },
       [self, page](const Result<void>& committed) { self->TakePage(committed, std::move(*page)); }});
}

void EntryListing::TakePage(const Result<void>& committed, EntryPage page) {
  if (!committed) {
    spdlog::error("ingest: listing failed error=\"{}\"", committed.error().Text());
    return End(
        ToGrpcStatus({ErrorCode::kUnavailable, "the centre can't read its ledger now", "see its log"}));
  }
  page_ = std::move(page);
  next_ = 0;
  query_.after_position = page_.scanned_through;
  GoOn();
}

void EntryListing::GoOn() {
  if (remaining_ == 0U) return End(grpc::Status::OK);
  if (next_ < page_.entries.size()) {
    response_.Clear();
    Encode(std::move(page_.entries[next_++]), *response_.mutable_entry());
    if (remaining_) --*remaining_;
    const std::lock_guard lock(mutex_);
    if (!ended_) StartWrite(&response_);
    return;
  }
  if (!page_.at_end) return ReadPage();
  if (!follow_) return End(grpc::Status::OK);
  Wait();
}

void EntryListing::Wait() {
  page_ = {};
  const auto waiter = parts_.feed.WaitBeyond(version_, [weak = weak_from_this()] {
    if (const auto listing = weak.lock()) listing->ReadPage();
  });
  const std::lock_guard lock(mutex_);
  waiter_ = waiter;
}

void EntryListing::OnWriteDone(bool ok) {
  if (!ok) return End({grpc::StatusCode::CANCELLED, "the caller is gone"});
  GoOn();
}

void EntryListing::OnCancel() {
  End({grpc::StatusCode::CANCELLED, "the caller is gone"});
}

void EntryListing::End(const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = true;
  Finish(status);
}

void EntryListing::OnDone() {
  parts_.calls.Remove(call_);
  {
    const std::lock_guard lock(mutex_);
    if (waiter_) parts_.feed.Cancel(*waiter_);
  }
  const auto last = std::move(self_);  // this ends here, unless a job still holds it
}

}  // namespace tillwire
