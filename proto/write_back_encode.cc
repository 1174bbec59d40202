#include <string>
#include <utility>

#include "proto/time_codec.h"
#include "proto/write_back_codec.h"
#include "tillwire/v1/ingestion.pb.h"

namespace tillwire {
namespace {

#define TILLWIRE_SAME_NUMBER(ours, theirs) static_assert(static_cast<int>(ours) == static_cast<int>(theirs))
TILLWIRE_SAME_NUMBER(TombstoneKind::kUnspecified, v1::TOMBSTONE_KIND_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(TombstoneKind::kLost, v1::TOMBSTONE_KIND_LOST);
TILLWIRE_SAME_NUMBER(TombstoneKind::kDamaged, v1::TOMBSTONE_KIND_DAMAGED);
TILLWIRE_SAME_NUMBER(TombstoneKind::kReleased, v1::TOMBSTONE_KIND_RELEASED);
TILLWIRE_SAME_NUMBER(Disposition::kUnspecified, v1::RECORD_DISPOSITION_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(Disposition::kAccepted, v1::RECORD_DISPOSITION_ACCEPTED);
TILLWIRE_SAME_NUMBER(Disposition::kDuplicate, v1::RECORD_DISPOSITION_DUPLICATE);
TILLWIRE_SAME_NUMBER(Disposition::kParked, v1::RECORD_DISPOSITION_PARKED);
TILLWIRE_SAME_NUMBER(Disposition::kRetry, v1::RECORD_DISPOSITION_RETRY);
TILLWIRE_SAME_NUMBER(Disposition::kConflict, v1::RECORD_DISPOSITION_CONFLICT);
TILLWIRE_SAME_NUMBER(Disposition::kTombstoned, v1::RECORD_DISPOSITION_TOMBSTONED);
TILLWIRE_SAME_NUMBER(ParkReason::kUnspecified, v1::PARK_REASON_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(ParkReason::kTooManyLines, v1::PARK_REASON_TOO_MANY_LINES);
TILLWIRE_SAME_NUMBER(ParkReason::kStoreNotAllowed, v1::PARK_REASON_STORE_NOT_ALLOWED);
TILLWIRE_SAME_NUMBER(ParkReason::kInvalidEvent, v1::PARK_REASON_INVALID_EVENT);
TILLWIRE_SAME_NUMBER(ParkReason::kHashMismatch, v1::PARK_REASON_HASH_MISMATCH);
TILLWIRE_SAME_NUMBER(ParkReason::kEventIdReused, v1::PARK_REASON_EVENT_ID_REUSED);
#undef TILLWIRE_SAME_NUMBER

std::string BytesOf(const Hash& hash) {
  return std::string(hash.AsBytes());
}
std::string BytesOf(const std::optional<Hash>& hash) {
  return hash ? BytesOf(*hash) : std::string();
}

template <typename Ref>
void EncodeRef(const RecordRef& ref, Ref& wire) {
  wire.set_epoch(ref.id.epoch);
  wire.set_sequence(ref.id.sequence);
  wire.set_hash(BytesOf(ref.hash));
}

void Encode(Hello&& message, v1::Hello& wire) {
  wire.set_store_id(std::move(message.store_id));
  wire.set_terminal_id(std::move(message.terminal_id));
  wire.set_instance_id(std::string(message.instance_id.AsBytes()));
  wire.set_stream_generation(message.stream_generation);
  wire.set_agent_version(std::move(message.agent_version));
  for (const auto& epoch : message.epochs) {
    auto& summary = *wire.add_epochs();
    summary.set_epoch(epoch.epoch);
    summary.set_first_retained_sequence(epoch.first_retained);
    summary.set_last_sequence(epoch.last);
    summary.set_hash_below_first_retained(BytesOf(epoch.hash_below_first_retained));
    summary.set_last_hash(BytesOf(epoch.last_hash));
  }
}

void Encode(EventBatch&& message, v1::EventBatch& wire) {
  wire.set_batch_id(message.batch_id);
  wire.set_epoch(message.epoch);
  wire.mutable_records()->Reserve(static_cast<int>(message.records.size()));
  for (auto& record : message.records) {
    auto& out = *wire.add_records();
    out.set_sequence(record.id.sequence);
    out.set_lane(std::move(record.lane));
    if (record.lane_predecessor) EncodeRef(*record.lane_predecessor, *out.mutable_lane_predecessor());
    out.set_previous_hash(BytesOf(record.previous_hash));
    out.set_hash(BytesOf(record.hash));
    out.set_event(std::move(record.event));
    if (record.origin) EncodeRef(*record.origin, *out.mutable_origin());
  }
}

void Encode(Tombstones&& message, v1::Tombstones& wire) {
  wire.set_batch_id(message.batch_id);
  for (auto& tombstone : message.tombstones) {
    auto& out = *wire.add_tombstones();
    out.set_epoch(tombstone.epoch);
    out.set_first_sequence(tombstone.first);
    out.set_last_sequence(tombstone.last);
    out.set_kind(static_cast<v1::TombstoneKind>(tombstone.kind));
    out.set_last_hash(BytesOf(tombstone.last_hash));
    out.set_previous_hash(BytesOf(tombstone.previous_hash));
    out.set_cause(std::move(tombstone.cause));
  }
}

void Encode(EpochDigest&& epoch, v1::EpochDigest& wire) {
  wire.set_epoch(epoch.epoch);
  wire.set_ordinal(epoch.ordinal);
  wire.set_last_sequence(epoch.last);
  wire.set_kept_through(epoch.kept_through);
  wire.set_last_hash(BytesOf(epoch.last_hash));
  wire.set_resolved_through(epoch.resolved_through);
  wire.set_delivered(epoch.delivered);
  wire.set_pending(epoch.pending);
  wire.set_parked(epoch.parked);
  wire.set_moved(epoch.moved);
  wire.set_lost(epoch.lost);
  wire.set_damaged(epoch.damaged);
  wire.set_released(epoch.released);
  wire.set_not_in_effect(epoch.not_in_effect);
  wire.set_why(std::move(epoch.why));
}

void Encode(const EpochState& state, v1::EpochState& wire) {
  wire.set_epoch(state.epoch);
  for (const auto& range : state.accepted) {
    auto& out = *wire.add_accepted();
    out.set_first_sequence(range.first);
    out.set_last_sequence(range.last);
    out.set_last_hash(BytesOf(range.last_hash));
  }
  for (const auto& parked : state.parked) {
    auto& out = *wire.add_parked();
    out.set_sequence(parked.sequence);
    out.set_hash(BytesOf(parked.hash));
  }
  for (const auto& range : state.tombstoned) {
    auto& out = *wire.add_tombstoned();
    out.set_first_sequence(range.first);
    out.set_last_sequence(range.last);
    out.set_last_hash(BytesOf(range.last_hash));
  }
  wire.set_backed_up_through(state.backed_up_through);
  if (state.backed_up_through != 0) wire.set_backed_up_hash(BytesOf(state.backed_up_hash));
}

void Encode(Welcome&& message, v1::Welcome& wire) {
  for (const auto& state : message.epochs) Encode(state, *wire.add_epochs());
  wire.set_ledger_incarnation(std::move(message.ledger_incarnation));
  auto& limits = *wire.mutable_limits();
  limits.set_max_batch_records(message.limits.max_batch_records);
  limits.set_max_batch_bytes(message.limits.max_batch_bytes);
  limits.set_window_batches(message.limits.window_batches);
  if (message.limits.digest_interval.count() != 0) {
    EncodeDuration(message.limits.digest_interval, *limits.mutable_digest_interval());
  }
  EncodeTime(message.server_time, *wire.mutable_server_time());
}

void Encode(BatchResult&& message, v1::BatchResult& wire) {
  wire.set_batch_id(message.batch_id);
  for (auto& result : message.results) {
    auto& out = *wire.add_results();
    out.set_sequence(result.sequence);
    out.set_disposition(static_cast<v1::RecordDisposition>(result.disposition));
    out.set_park_reason(static_cast<v1::ParkReason>(result.park_reason));
    out.set_detail(std::move(result.detail));
    if (result.retry_delay.count() != 0) EncodeDuration(result.retry_delay, *out.mutable_retry_delay());
    out.set_lane_held(result.lane_held);
  }
}

}  // namespace

void EncodeDigest(Digest digest, v1::Digest& wire) {
  for (auto& epoch : digest.epochs) Encode(std::move(epoch), *wire.add_epochs());
  wire.set_outbox_used_bytes(digest.outbox_used_bytes);
  wire.set_outbox_max_bytes(digest.outbox_max_bytes);
  wire.set_disk_free_bytes(digest.disk_free_bytes);
  wire.set_spool_waiting(digest.spool_waiting);
  wire.set_spool_bad(digest.spool_bad);
  if (digest.oldest_pending_age)
    EncodeDuration(*digest.oldest_pending_age, *wire.mutable_oldest_pending_age());
  if (digest.clock_time) EncodeTime(*digest.clock_time, *wire.mutable_clock_time());
  wire.set_clock_synchronized(digest.clock_synchronized);
  EncodeDuration(digest.uptime, *wire.mutable_uptime());
}

void EncodeToCentre(ToCentre message, v1::WriteBackRequest& wire) {
  wire.Clear();
  if (auto* hello = std::get_if<Hello>(&message)) {
    Encode(std::move(*hello), *wire.mutable_hello());
  } else if (auto* batch = std::get_if<EventBatch>(&message)) {
    Encode(std::move(*batch), *wire.mutable_batch());
  } else if (auto* tombstones = std::get_if<Tombstones>(&message)) {
    Encode(std::move(*tombstones), *wire.mutable_tombstones());
  } else {
    EncodeDigest(std::move(std::get<Digest>(message)), *wire.mutable_digest());
  }
}

void EncodeToAgent(ToAgent message, v1::WriteBackResponse& wire) {
  wire.Clear();
  if (auto* welcome = std::get_if<Welcome>(&message)) {
    Encode(std::move(*welcome), *wire.mutable_welcome());
  } else if (auto* result = std::get_if<BatchResult>(&message)) {
    Encode(std::move(*result), *wire.mutable_batch_result());
  } else if (auto* start = std::get_if<StartNewEpoch>(&message)) {
    wire.mutable_start_new_epoch()->set_forked_epoch(start->forked_epoch);
    wire.mutable_start_new_epoch()->set_fork_sequence(start->fork_sequence);
  } else {
    EncodeDuration(std::get<Pushback>(message).retry_after, *wire.mutable_pushback()->mutable_retry_after());
  }
}

}  // namespace tillwire
