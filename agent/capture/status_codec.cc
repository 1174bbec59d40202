#include "agent/capture/status_codec.h"

#include <algorithm>
#include <string>

#include "agent/capture/explanation.h"
#include "proto/time_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

v1::ConnectionState Encode(UplinkState state) {
  switch (state) {
    case UplinkState::kWaiting:
      return v1::CONNECTION_STATE_WAITING;
    case UplinkState::kConnecting:
      return v1::CONNECTION_STATE_CONNECTING;
    case UplinkState::kConnected:
      return v1::CONNECTION_STATE_CONNECTED;
    case UplinkState::kPushedBack:
      return v1::CONNECTION_STATE_PUSHED_BACK;
    case UplinkState::kPaused:
      return v1::CONNECTION_STATE_PAUSED;
  }
  return v1::CONNECTION_STATE_UNSPECIFIED;
}

v1::ConnectionProblem Encode(UplinkProblem problem) {
  switch (problem) {
    case UplinkProblem::kUnreachable:
      return v1::CONNECTION_PROBLEM_NO_NETWORK;
    case UplinkProblem::kWrongServer:
      return v1::CONNECTION_PROBLEM_WRONG_SERVER;
    case UplinkProblem::kCaptivePortal:
      return v1::CONNECTION_PROBLEM_CAPTIVE_PORTAL;
    case UplinkProblem::kCertificate:
      return v1::CONNECTION_PROBLEM_CERTIFICATE;
    case UplinkProblem::kClock:
      return v1::CONNECTION_PROBLEM_CLOCK;
    case UplinkProblem::kRefused:
      return v1::CONNECTION_PROBLEM_REFUSED;
    case UplinkProblem::kBroken:
      return v1::CONNECTION_PROBLEM_PROTOCOL;
    case UplinkProblem::kDisk:
      return v1::CONNECTION_PROBLEM_DISK;
  }
  return v1::CONNECTION_PROBLEM_UNSPECIFIED;
}

void Encode(const UplinkPause& pause, v1::UplinkPause& wire) {
  wire.set_operator_id(pause.operator_id);
  wire.set_reason(pause.reason);
  EncodeTime(pause.since, *wire.mutable_since_time());
  EncodeTime(pause.until, *wire.mutable_until_time());
}

void Encode(const UplinkStatus& uplink, v1::ConnectionStatus& wire) {
  wire.set_state(Encode(uplink.state));
  wire.set_server(uplink.server);
  if (uplink.connected_since) EncodeTime(*uplink.connected_since, *wire.mutable_connected_since());
  wire.set_last_error(uplink.last_error);
  wire.set_remedy(uplink.remedy);
  if (uplink.last_error_time) EncodeTime(*uplink.last_error_time, *wire.mutable_last_error_time());
  if (uplink.next_attempt) EncodeTime(*uplink.next_attempt, *wire.mutable_next_attempt_time());
  wire.set_failed_attempts(uplink.failed_attempts);
  if (uplink.problem) wire.set_problem(Encode(*uplink.problem));
  if (uplink.pause) Encode(*uplink.pause, *wire.mutable_pause());
}

v1::CaptureStage Encode(RoomStage stage) {
  switch (stage) {
    case RoomStage::kPlenty:
      return v1::CAPTURE_STAGE_OPEN;
    case RoomStage::kPruningEarly:
      return v1::CAPTURE_STAGE_PRUNING_EARLY;
    case RoomStage::kBinClearsRefused:
      return v1::CAPTURE_STAGE_BIN_CLEARS_REFUSED;
    case RoomStage::kCapturesRefused:
      return v1::CAPTURE_STAGE_ALL_REFUSED;
  }
  return v1::CAPTURE_STAGE_UNSPECIFIED;
}

void Encode(const OutboxStatus& outbox, WallTime now, v1::OutboxStatus& wire) {
  wire.set_pending(outbox.pending);
  wire.set_parked(outbox.parked);
  wire.set_delivered(outbox.delivered);
  wire.set_lost(outbox.lost);
  wire.set_released(outbox.released);
  wire.set_not_in_effect(outbox.not_in_effect);
  if (outbox.oldest_pending) {
    EncodeTime(*outbox.oldest_pending, *wire.mutable_oldest_pending_time());
    const auto age = std::chrono::floor<std::chrono::seconds>(now - *outbox.oldest_pending);
    wire.set_oldest_pending_seconds(static_cast<std::uint64_t>(std::max<std::int64_t>(age.count(), 0)));
  }
  wire.set_epoch(outbox.epoch);
  wire.set_epoch_ordinal(outbox.epoch_ordinal);
  wire.set_last_sequence(outbox.last_sequence);
  wire.set_used_bytes(outbox.used_bytes);
  wire.set_max_bytes(outbox.max_bytes);
  wire.set_capture_stage(outbox.trouble ? v1::CAPTURE_STAGE_NOT_WRITABLE : Encode(outbox.room.stage));
  wire.set_room_bytes(outbox.room.bytes);
  wire.set_capture_problem(outbox.trouble ? outbox.trouble->message : outbox.room.Reason());
  wire.set_capture_remedy(outbox.trouble ? outbox.trouble->hint : outbox.room.Remedy());
}

void Encode(const ParkedEvent& parked, v1::ParkedEvent& wire) {
  const std::string event_id = parked.event_id.ToString();
  wire.set_event_id(event_id);
  wire.set_epoch(parked.id.epoch);
  wire.set_sequence(parked.id.sequence);
  wire.set_lane(parked.lane);
  wire.set_reason(parked.reason);
  wire.set_detail(parked.detail);
  wire.set_remedy(ParkedRemedy(parked.reason, parked.event_id));
  EncodeTime(parked.parked_at, *wire.mutable_parked_time());
}

void Encode(const LostRange& lost, v1::LostRange& wire) {
  wire.set_epoch(lost.tombstone.epoch);
  wire.set_first_sequence(lost.tombstone.first);
  wire.set_last_sequence(lost.tombstone.last);
  wire.set_cause(lost.tombstone.cause);
  wire.set_announced(lost.announced);
}

void Encode(const SpoolStatus& spool, v1::SpoolStatus& wire) {
  wire.set_waiting(spool.waiting);
  wire.set_bad(spool.bad.total);
  if (spool.oldest_waiting) EncodeTime(*spool.oldest_waiting, *wire.mutable_oldest_waiting_time());
  wire.set_holding_captures(spool.holding_captures);
  wire.set_last_problem(spool.last_problem);
  for (const auto& [name, reason] : spool.bad.files) {
    auto& file = *wire.add_bad_files();
    file.set_name(name);
    file.set_reason(reason);
  }
}

}  // namespace

void EncodeAgentStatus(const OutboxStatus& outbox, const UplinkStatus& uplink, const SpoolStatus& spool,
                       WallTime now, v1::GetAgentStatusResponse& wire) {
  Encode(uplink, *wire.mutable_connection());
  Encode(outbox, now, *wire.mutable_outbox());
  Encode(spool, *wire.mutable_spool());
  for (const auto& parked : outbox.parked_events) Encode(parked, *wire.add_parked_events());
  for (const auto& lost : outbox.lost_ranges) Encode(lost, *wire.add_lost_ranges());
  for (const auto& incident : outbox.incidents) {
    auto& out = *wire.add_incidents();
    EncodeTime(incident.time, *out.mutable_time());
    out.set_text(incident.text);
  }
}

}  // namespace tillwire
