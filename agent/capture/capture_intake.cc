#include "agent/capture/capture_intake.h"

#include <optional>
#include <utility>
#include <variant>

#include "core/lane.h"
#include "core/validation.h"
#include "proto/event_codec.h"

namespace tillwire {
namespace {

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

}  // namespace

CaptureIntake::CaptureIntake(const Clock& clock, Rng& rng, AgentIdentity identity)
    : clock_(clock), uuids_(rng), identity_(std::move(identity)) {}

Result<CaptureInput> CaptureIntake::FromSocket(CaptureRequest request, const Hash& content) {
  if (!request.event_id.empty()) return Invalid("event_id is the agent's to give", "leave it out");
  if (request.record_time) return Invalid("record_time is for spool files", "leave it out; give occur_time");
  if (auto valid = ValidateCapture(request); !valid) return valid.error();
  if (request.source == EventSource::kUnspecified) request.source = EventSource::kGrpc;
  return MakeInput(std::move(request), content, nullptr);
}

Result<CaptureInput> CaptureIntake::FromSpool(CaptureRequest request, const Hash& content,
                                              const std::string& key) {
  if (request.idempotency_key.empty()) request.idempotency_key = key;
  const auto source = request.source == EventSource::kCli ? EventSource::kCli : EventSource::kSpool;
  if (request.source == EventSource::kSpool) request.source = EventSource::kUnspecified;
  if (request.source == EventSource::kGrpc) {
    return Invalid("source is GRPC, but this is a spool file", "leave it out");
  }
  std::optional<Uuid> event_id;
  if (!request.event_id.empty()) {
    event_id = Uuid::Parse(request.event_id);
    if (!event_id || !event_id->IsVersion7()) {
      return Invalid("event_id is no UUID of version 7", "leave it out: the agent gives one");
    }
  }
  if (auto valid = ValidateCapture(request); !valid) return valid.error();
  request.source = source;
  if (!request.occur_time) request.occur_time = request.record_time;
  return MakeInput(std::move(request), content, event_id ? &*event_id : nullptr);
}

Result<CaptureInput> CaptureIntake::MakeInput(CaptureRequest request, const Hash& content,
                                              const Uuid* event_id) {
  CaptureInput input;
  if (!request.idempotency_key.empty()) input.idempotency = {Sha256(request.idempotency_key), content};
  if (const auto* clear = std::get_if<StagingBinClear>(&request.body)) {
    input.joins_lane_of = Uuid::Parse(clear->cancellation_event_id);
    input.kind = CaptureKind::kBinClear;
  }
  input.lane = LaneOf(request.body);
  input.source = request.source;

  Event event;
  event.captured = clock_.Sample();
  event.boot_id = identity_.boot_id;
  event.store_id = identity_.store_id;
  event.terminal_id = identity_.terminal_id;
  event.request = std::move(request);
  if (!event.request.occur_time) event.request.occur_time = event.captured.wall;
  input.event_id = event_id != nullptr ? *event_id : uuids_.Make(event.captured.wall);
  input.id_from_outside = event_id != nullptr;
  event.event_id = input.event_id.ToString();
  input.captured_at = event.captured.wall;
  input.event = EncodeEvent(event);
  if (auto fits = CheckEventSize(input.event.size()); !fits) return fits.error();
  return input;
}

}  // namespace tillwire
