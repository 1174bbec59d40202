#include "ingest/oversight/terminal_codec.h"

#include <utility>

#include "proto/time_codec.h"
#include "proto/write_back_codec.h"
#include "tillwire/v1/operations.pb.h"

namespace tillwire {
namespace {

#define TILLWIRE_SAME_NUMBER(ours, theirs) static_assert(static_cast<int>(ours) == static_cast<int>(theirs))
TILLWIRE_SAME_NUMBER(TerminalFlag::kUnspecified, v1::TERMINAL_FLAG_UNSPECIFIED);
TILLWIRE_SAME_NUMBER(TerminalFlag::kGap, v1::TERMINAL_FLAG_GAP);
TILLWIRE_SAME_NUMBER(TerminalFlag::kLost, v1::TERMINAL_FLAG_LOST);
TILLWIRE_SAME_NUMBER(TerminalFlag::kDuplicate, v1::TERMINAL_FLAG_DUPLICATE);
TILLWIRE_SAME_NUMBER(TerminalFlag::kNewEpoch, v1::TERMINAL_FLAG_NEW_EPOCH);
TILLWIRE_SAME_NUMBER(TerminalFlag::kSilent, v1::TERMINAL_FLAG_SILENT);
TILLWIRE_SAME_NUMBER(TerminalFlag::kBacklog, v1::TERMINAL_FLAG_BACKLOG);
TILLWIRE_SAME_NUMBER(TerminalFlag::kBadFiles, v1::TERMINAL_FLAG_BAD_FILES);
TILLWIRE_SAME_NUMBER(TerminalFlag::kClock, v1::TERMINAL_FLAG_CLOCK);
#undef TILLWIRE_SAME_NUMBER

WallTime TimeOf(const google::protobuf::Timestamp& wire) {
  return DecodeTime(wire).value_or(WallTime{});
}

// A skew has a sign, which a Duration carries in both of its parts.
void EncodeSkew(std::chrono::milliseconds skew, google::protobuf::Duration& wire) {
  EncodeDuration(std::chrono::abs(skew), wire);
  if (skew.count() >= 0) return;
  wire.set_seconds(-wire.seconds());
  wire.set_nanos(-wire.nanos());
}

std::chrono::milliseconds DecodeSkew(const google::protobuf::Duration& wire) {
  google::protobuf::Duration positive = wire;
  if (wire.seconds() >= 0 && wire.nanos() >= 0) return DecodeDuration(positive);
  positive.set_seconds(-wire.seconds());
  positive.set_nanos(-wire.nanos());
  return -DecodeDuration(positive);
}

void Encode(const EpochRecord& epoch, v1::TerminalEpoch& wire) {
  // As in a digest of its own, so that there is one way to write an epoch.
  v1::Digest digest;
  Digest one;
  one.epochs.push_back(epoch.digest);
  EncodeDigest(std::move(one), digest);
  wire.mutable_digest()->Swap(digest.mutable_epochs(0));
  wire.set_instance_id(std::string(epoch.instance.AsBytes()));
  if (epoch.abandoned_since) EncodeTime(*epoch.abandoned_since, *wire.mutable_abandoned_time());
  wire.set_missing(epoch.facts.missing);
  wire.set_missing_resolved(epoch.facts.missing_resolved);
  for (const Interval& range : epoch.facts.missing_ranges) {
    auto& out = *wire.add_missing_ranges();
    out.set_first_sequence(range.first);
    out.set_last_sequence(range.last);
  }
  wire.set_parked(epoch.facts.parked);
  wire.set_hash_differs(epoch.facts.hash_differs);
}

std::optional<EpochRecord> Decode(v1::TerminalEpoch& wire) {
  v1::Digest digest;
  digest.add_epochs()->Swap(wire.mutable_digest());
  auto decoded = DecodeDigest(std::move(digest));
  if (!decoded) return std::nullopt;
  EpochRecord epoch;
  epoch.digest = std::move(decoded->epochs.front());
  epoch.instance = Uuid::FromBytes(wire.instance_id()).value_or(Uuid{});
  if (wire.has_abandoned_time()) epoch.abandoned_since = TimeOf(wire.abandoned_time());
  epoch.facts.missing = wire.missing();
  epoch.facts.missing_resolved = wire.missing_resolved();
  for (const auto& range : wire.missing_ranges()) {
    epoch.facts.missing_ranges.push_back({range.first_sequence(), range.last_sequence()});
  }
  epoch.facts.parked = wire.parked();
  epoch.facts.hash_differs = wire.hash_differs();
  return epoch;
}

void EncodeFacts(const TerminalRecord& record, v1::Terminal& wire) {
  wire.set_store_id(record.identity.store_id);
  wire.set_terminal_id(record.identity.terminal_id);
  EncodeTime(record.first_seen, *wire.mutable_first_seen_time());
  EncodeTime(record.last_seen, *wire.mutable_last_seen_time());
  wire.set_agent_version(record.agent_version);
  if (record.digest) {
    EncodeDigest(*record.digest, *wire.mutable_digest());
    EncodeTime(record.digest_at, *wire.mutable_digest_time());
    EncodeSkew(record.clock_skew, *wire.mutable_clock_skew());
  }
  for (const EpochRecord& epoch : record.epochs) Encode(epoch, *wire.add_epochs());
}

}  // namespace

std::string EncodeRecord(const TerminalRecord& record) {
  v1::Terminal wire;
  EncodeFacts(record, wire);
  for (const auto& [flag, state] : record.noticed) {
    auto& out = *wire.add_flags();
    out.set_flag(static_cast<v1::TerminalFlag>(flag));
    EncodeTime(state.since, *out.mutable_since_time());
    if (state.ended) EncodeTime(*state.ended, *out.mutable_ended_time());
    out.set_detail(state.detail);
  }
  return wire.SerializeAsString();
}

std::optional<TerminalRecord> DecodeRecord(std::string_view bytes) {
  v1::Terminal wire;
  if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  TerminalRecord record;
  record.identity = {wire.store_id(), wire.terminal_id()};
  record.first_seen = TimeOf(wire.first_seen_time());
  record.last_seen = TimeOf(wire.last_seen_time());
  record.agent_version = wire.agent_version();
  if (wire.has_digest()) {
    auto digest = DecodeDigest(std::move(*wire.mutable_digest()));
    if (!digest) return std::nullopt;
    record.digest = std::move(*digest);
    record.digest_at = TimeOf(wire.digest_time());
    record.clock_skew = DecodeSkew(wire.clock_skew());
  }
  for (auto& epoch : *wire.mutable_epochs()) {
    auto decoded = Decode(epoch);
    if (!decoded) return std::nullopt;
    record.epochs.push_back(std::move(*decoded));
  }
  for (const auto& flag : wire.flags()) {
    FlagState state{TimeOf(flag.since_time()), std::nullopt, flag.detail()};
    if (flag.has_ended_time()) state.ended = TimeOf(flag.ended_time());
    record.noticed[static_cast<TerminalFlag>(flag.flag())] = std::move(state);
  }
  return record;
}

void EncodeTerminal(const TerminalRecord& record, const TerminalPresence& presence,
                    const std::vector<RaisedFlag>& flags, v1::Terminal& wire) {
  EncodeFacts(record, wire);
  wire.set_connected_instances(static_cast<std::uint32_t>(presence.instances));
  for (const RaisedFlag& raised : flags) {
    auto& out = *wire.add_flags();
    out.set_flag(static_cast<v1::TerminalFlag>(raised.flag));
    EncodeTime(raised.since, *out.mutable_since_time());
    if (raised.ended) EncodeTime(*raised.ended, *out.mutable_ended_time());
    out.set_detail(FlagDetail(raised.flag, record, presence));
    out.set_remedy(FlagRemedy(raised.flag));
  }
}

}  // namespace tillwire
