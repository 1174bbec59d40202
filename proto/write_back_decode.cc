#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/limits.h"
#include "proto/time_codec.h"
#include "proto/write_back_codec.h"
#include "tillwire/v1/ingestion.pb.h"

namespace tillwire {
namespace {

// Where in a message something is. Text is made of it only when there is something to say.
struct Place {
  const Place* parent = nullptr;
  const char* name = "";
  int index = -1;  // in a repeated field

  [[nodiscard]] std::string Text() const {
    std::string text = parent == nullptr ? "" : parent->Text() + ".";
    text += name;
    if (index >= 0) text += "[" + std::to_string(index) + "]";
    return text;
  }
};

// Checks values on their way in and keeps the first fault. What is faulty decodes as its default.
class FormCheck {
 public:
  void Fail(const Place& place, const char* field, const std::string& what) {
    if (error_) return;
    error_ = Error{ErrorCode::kInvalidArgument, Place{&place, field}.Text() + " " + what,
                   "the sender does not keep to tillwire/v1/ingestion.proto; update it"};
  }

  Hash RequiredHash(const Place& place, const char* field, const std::string& bytes) {
    const auto hash = Hash::FromBytes(bytes);
    if (!hash) Fail(place, field, "has " + std::to_string(bytes.size()) + " bytes; a hash has 32");
    return hash.value_or(Hash{});
  }

  std::optional<Hash> OptionalHash(const Place& place, const char* field, const std::string& bytes) {
    if (bytes.empty()) return std::nullopt;
    return RequiredHash(place, field, bytes);
  }

  std::uint64_t Sequence(const Place& place, const char* field, std::uint64_t sequence) {
    if (sequence == 0) Fail(place, field, "is 0; sequences count from 1");
    return sequence;
  }

  // A range of sequences, whose fields have the same names in each message.
  template <typename Range>
  void SequenceRange(const Place& place, const Range& range) {
    Sequence(place, "first_sequence", range.first_sequence());
    if (range.last_sequence() < range.first_sequence()) {
      Fail(place, "last_sequence", "is lower than first_sequence");
    }
  }

  // A name by which the centre files what arrives.
  std::string Id(const Place& place, const char* field, std::string& id) {
    if (id.empty()) Fail(place, field, "is empty");
    if (id.size() > kMaxIdBytes) {
      Fail(place, field,
           "has " + std::to_string(id.size()) + " bytes; at most " + std::to_string(kMaxIdBytes) +
               " are allowed");
    }
    return std::move(id);
  }

  template <typename Ref>
  std::optional<RecordRef> OptionalRef(const Place& parent, const char* field, bool present,
                                       const Ref& wire) {
    if (!present) return std::nullopt;
    const Place place{&parent, field};
    return RecordRef{{wire.epoch(), Sequence(place, "sequence", wire.sequence())},
                     RequiredHash(place, "hash", wire.hash())};
  }

  // The message, if nothing was wrong with it.
  template <typename Message>
  Result<Message> Finish(Message message) {
    if (error_) return *error_;
    return message;
  }

 private:
  std::optional<Error> error_;
};

// -- To the centre

Hello Decode(v1::Hello& wire, FormCheck& check) {
  const Place place{nullptr, "hello"};
  Hello message;
  message.store_id = check.Id(place, "store_id", *wire.mutable_store_id());
  message.terminal_id = check.Id(place, "terminal_id", *wire.mutable_terminal_id());
  if (const auto instance = Uuid::FromBytes(wire.instance_id())) {
    message.instance_id = *instance;
  } else {
    check.Fail(place, "instance_id",
               "has " + std::to_string(wire.instance_id().size()) + " bytes; it needs 16");
  }
  message.stream_generation = wire.stream_generation();
  message.agent_version = std::move(*wire.mutable_agent_version());
  for (int i = 0; i < wire.epochs_size(); ++i) {
    const auto& in = wire.epochs(i);
    const Place epoch{&place, "epochs", i};
    message.epochs.push_back(
        {in.epoch(), in.first_retained_sequence(), in.last_sequence(),
         check.OptionalHash(epoch, "hash_below_first_retained", in.hash_below_first_retained()),
         check.OptionalHash(epoch, "last_hash", in.last_hash())});
  }
  return message;
}

EventBatch Decode(v1::EventBatch& wire, FormCheck& check) {
  const Place place{nullptr, "batch"};
  EventBatch message;
  message.batch_id = wire.batch_id();
  message.epoch = wire.epoch();
  message.records.reserve(static_cast<std::size_t>(wire.records_size()));
  std::uint64_t previous = 0;
  for (int i = 0; i < wire.records_size(); ++i) {
    auto& in = *wire.mutable_records(i);
    const Place at{&place, "records", i};
    Record record;
    record.id = {message.epoch, check.Sequence(at, "sequence", in.sequence())};
    if (in.sequence() <= previous) check.Fail(at, "sequence", "does not ascend");
    previous = in.sequence();
    record.lane = std::move(*in.mutable_lane());
    record.lane_predecessor =
        check.OptionalRef(at, "lane_predecessor", in.has_lane_predecessor(), in.lane_predecessor());
    record.previous_hash = check.RequiredHash(at, "previous_hash", in.previous_hash());
    record.hash = check.RequiredHash(at, "hash", in.hash());
    record.event = std::move(*in.mutable_event());
    record.origin = check.OptionalRef(at, "origin", in.has_origin(), in.origin());
    message.records.push_back(std::move(record));
  }
  return message;
}

Tombstones Decode(v1::Tombstones& wire, FormCheck& check) {
  const Place place{nullptr, "tombstones"};
  Tombstones message;
  message.batch_id = wire.batch_id();
  for (int i = 0; i < wire.tombstones_size(); ++i) {
    auto& in = *wire.mutable_tombstones(i);
    const Place at{&place, "tombstones", i};
    check.SequenceRange(at, in);
    Tombstone tombstone;
    tombstone.epoch = in.epoch();
    tombstone.first = in.first_sequence();
    tombstone.last = in.last_sequence();
    tombstone.kind = v1::TombstoneKind_IsValid(in.kind()) ? static_cast<TombstoneKind>(in.kind())
                                                          : TombstoneKind::kUnspecified;
    tombstone.last_hash = check.OptionalHash(at, "last_hash", in.last_hash());
    tombstone.previous_hash = check.OptionalHash(at, "previous_hash", in.previous_hash());
    tombstone.cause = std::move(*in.mutable_cause());
    message.tombstones.push_back(std::move(tombstone));
  }
  return message;
}

EpochDigest Decode(v1::EpochDigest& wire, const Place& at, FormCheck& check) {
  EpochDigest epoch;
  epoch.epoch = wire.epoch();
  epoch.ordinal = wire.ordinal();
  epoch.last = wire.last_sequence();
  epoch.kept_through = wire.kept_through();
  epoch.last_hash = check.OptionalHash(at, "last_hash", wire.last_hash());
  epoch.resolved_through = wire.resolved_through();
  if (epoch.kept_through > epoch.last) check.Fail(at, "kept_through", "is higher than last_sequence");
  if (epoch.resolved_through > epoch.last) check.Fail(at, "resolved_through", "is higher than last_sequence");
  epoch.delivered = wire.delivered();
  epoch.pending = wire.pending();
  epoch.parked = wire.parked();
  epoch.moved = wire.moved();
  epoch.lost = wire.lost();
  epoch.damaged = wire.damaged();
  epoch.released = wire.released();
  epoch.not_in_effect = wire.not_in_effect();
  epoch.why = std::move(*wire.mutable_why());
  return epoch;
}

Digest Decode(v1::Digest& wire, FormCheck& check) {
  const Place place{nullptr, "digest"};
  Digest message;
  for (int i = 0; i < wire.epochs_size(); ++i) {
    message.epochs.push_back(Decode(*wire.mutable_epochs(i), Place{&place, "epochs", i}, check));
  }
  message.outbox_used_bytes = wire.outbox_used_bytes();
  message.outbox_max_bytes = wire.outbox_max_bytes();
  message.disk_free_bytes = wire.disk_free_bytes();
  message.spool_waiting = wire.spool_waiting();
  message.spool_bad = wire.spool_bad();
  if (wire.has_oldest_pending_age()) message.oldest_pending_age = DecodeDuration(wire.oldest_pending_age());
  if (wire.has_clock_time()) message.clock_time = DecodeTime(wire.clock_time());
  message.clock_synchronized = wire.clock_synchronized();
  message.uptime = DecodeDuration(wire.uptime());
  return message;
}

// -- To the agent

EpochState Decode(const v1::EpochState& wire, const Place& place, FormCheck& check) {
  EpochState state;
  state.epoch = wire.epoch();
  std::uint64_t previous = 0;
  for (int i = 0; i < wire.accepted_size(); ++i) {
    const auto& in = wire.accepted(i);
    const Place at{&place, "accepted", i};
    check.SequenceRange(at, in);
    if (in.first_sequence() <= previous) check.Fail(at, "first_sequence", "does not ascend");
    previous = in.last_sequence();
    state.accepted.push_back(
        {in.first_sequence(), in.last_sequence(), check.RequiredHash(at, "last_hash", in.last_hash())});
  }
  for (int i = 0; i < wire.parked_size(); ++i) {
    const auto& in = wire.parked(i);
    const Place at{&place, "parked", i};
    state.parked.push_back(
        {check.Sequence(at, "sequence", in.sequence()), check.RequiredHash(at, "hash", in.hash())});
  }
  for (int i = 0; i < wire.tombstoned_size(); ++i) {
    const auto& in = wire.tombstoned(i);
    const Place at{&place, "tombstoned", i};
    check.SequenceRange(at, in);
    state.tombstoned.push_back(
        {in.first_sequence(), in.last_sequence(), check.OptionalHash(at, "last_hash", in.last_hash())});
  }
  state.backed_up_through = wire.backed_up_through();
  if (state.backed_up_through != 0) {
    state.backed_up_hash = check.RequiredHash(place, "backed_up_hash", wire.backed_up_hash());
  }
  return state;
}

Welcome Decode(v1::Welcome& wire, FormCheck& check) {
  const Place place{nullptr, "welcome"};
  Welcome message;
  for (int i = 0; i < wire.epochs_size(); ++i) {
    message.epochs.push_back(Decode(wire.epochs(i), Place{&place, "epochs", i}, check));
  }
  message.ledger_incarnation = std::move(*wire.mutable_ledger_incarnation());
  const auto& limits = wire.limits();
  if (limits.max_batch_records() != 0) message.limits.max_batch_records = limits.max_batch_records();
  if (limits.max_batch_bytes() != 0) message.limits.max_batch_bytes = limits.max_batch_bytes();
  if (limits.window_batches() != 0) message.limits.window_batches = limits.window_batches();
  message.limits.digest_interval = DecodeDuration(limits.digest_interval());
  if (const auto time = DecodeTime(wire.server_time())) {
    message.server_time = *time;
  } else {
    check.Fail(place, "server_time", "is outside the years 1 to 9999");
  }
  return message;
}

BatchResult Decode(v1::BatchResult& wire, FormCheck& check) {
  const Place place{nullptr, "batch_result"};
  BatchResult message;
  message.batch_id = wire.batch_id();
  message.results.reserve(static_cast<std::size_t>(wire.results_size()));
  for (int i = 0; i < wire.results_size(); ++i) {
    auto& in = *wire.mutable_results(i);
    RecordResult result;
    result.sequence = check.Sequence(Place{&place, "results", i}, "sequence", in.sequence());
    if (v1::RecordDisposition_IsValid(in.disposition())) {
      result.disposition = static_cast<Disposition>(in.disposition());
    }
    if (v1::ParkReason_IsValid(in.park_reason())) {
      result.park_reason = static_cast<ParkReason>(in.park_reason());
    }
    result.detail = std::move(*in.mutable_detail());
    result.retry_delay = DecodeDuration(in.retry_delay());
    result.lane_held = in.lane_held();
    message.results.push_back(std::move(result));
  }
  return message;
}

Error NoKnownMessage(const char* type) {
  return {ErrorCode::kInvalidArgument, std::string(type) + " has no message that this version knows",
          "update the older side"};
}

}  // namespace

Result<ToCentre> DecodeToCentre(v1::WriteBackRequest&& wire) {
  FormCheck check;
  switch (wire.message_case()) {
    case v1::WriteBackRequest::kHello:
      return check.Finish(ToCentre(Decode(*wire.mutable_hello(), check)));
    case v1::WriteBackRequest::kBatch:
      return check.Finish(ToCentre(Decode(*wire.mutable_batch(), check)));
    case v1::WriteBackRequest::kTombstones:
      return check.Finish(ToCentre(Decode(*wire.mutable_tombstones(), check)));
    case v1::WriteBackRequest::kDigest:
      return check.Finish(ToCentre(Decode(*wire.mutable_digest(), check)));
    case v1::WriteBackRequest::MESSAGE_NOT_SET:
      break;
  }
  return NoKnownMessage("WriteBackRequest");
}

Result<Digest> DecodeDigest(v1::Digest&& wire) {
  FormCheck check;
  return check.Finish(Decode(wire, check));
}

Result<ToAgent> DecodeToAgent(v1::WriteBackResponse&& wire) {
  FormCheck check;
  switch (wire.message_case()) {
    case v1::WriteBackResponse::kWelcome:
      return check.Finish(ToAgent(Decode(*wire.mutable_welcome(), check)));
    case v1::WriteBackResponse::kBatchResult:
      return check.Finish(ToAgent(Decode(*wire.mutable_batch_result(), check)));
    case v1::WriteBackResponse::kStartNewEpoch:
      return ToAgent(
          StartNewEpoch{wire.start_new_epoch().forked_epoch(), wire.start_new_epoch().fork_sequence()});
    case v1::WriteBackResponse::kPushback:
      return ToAgent(Pushback{DecodeDuration(wire.pushback().retry_after())});
    case v1::WriteBackResponse::MESSAGE_NOT_SET:
      break;
  }
  return NoKnownMessage("WriteBackResponse");
}

}  // namespace tillwire
