#include "agent/capture/queue_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <utility>

#include "agent/capture/event_list_stream.h"
#include "agent/capture/event_watch_stream.h"
#include "agent/capture/explanation.h"
#include "agent/capture/outbox_event_codec.h"
#include "core/validation.h"
#include "platform/open_calls.h"
#include "proto/grpc_error.h"
#include "proto/time_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::chrono::hours kDefaultPause{1};

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

Result<Uuid> ParseEventId(const std::string& text) {
  if (const auto event_id = Uuid::Parse(text)) return *event_id;
  return Invalid("event_id is no UUID", "give it as tillwire events shows it");
}

}  // namespace

class QueueService::Impl {
 public:
  using EncodeStatus = std::function<void(const OutboxStatus&, v1::GetAgentStatusResponse&)>;

  Impl(CaptureStore& by_store, ChangeFeed& by_changes, const Clock& by_clock, UplinkHooks hooks,
       EncodeStatus encode)
      : store(by_store),
        changes(by_changes),
        clock(by_clock),
        uplink(std::move(hooks)),
        encode_status(std::move(encode)) {}

  void Explain(const CaptureStore::Examined& examined, v1::ExplainEventResponse& response) const {
    Circumstances circumstances;
    circumstances.event = examined.event;
    circumstances.holder = examined.holder;
    circumstances.pending = examined.pending;
    circumstances.room = examined.room;
    circumstances.trouble = examined.trouble;
    if (uplink.status) circumstances.uplink = uplink.status();
    if (uplink.describe) circumstances.activity = uplink.describe(examined.event.position);
    circumstances.now = clock.WallNow();
    EncodeOutboxEvent(examined.event, *response.mutable_event());
    for (const Explanation& explanation : tillwire::Explain(circumstances)) {
      EncodeExplanation(explanation, *response.add_explanations());
    }
  }

  // Page by page, so that captures come in between. `requeued` is what was done so far.
  void RequeueAll(const std::string& reason, std::uint64_t requeued,
                  const std::function<void(Result<std::uint64_t>)>& done) {
    store.RequeueAll(reason, [this, reason, requeued, done](const Result<std::vector<Position>>& page) {
      if (!page) return done(page.error());
      if (page->empty()) return done(requeued);
      if (uplink.requeued) uplink.requeued(page->front());
      RequeueAll(reason, requeued + page->size(), done);
    });
  }

  CaptureStore& store;
  ChangeFeed& changes;
  const Clock& clock;
  const UplinkHooks uplink;
  const EncodeStatus encode_status;
  OpenCalls streams;
};

QueueService::QueueService(
    CaptureStore& store, ChangeFeed& changes, const Clock& clock, UplinkHooks uplink,
    std::function<void(const OutboxStatus&, v1::GetAgentStatusResponse&)> encode_status)
    : impl_(std::make_unique<Impl>(store, changes, clock, std::move(uplink), std::move(encode_status))) {}

QueueService::~QueueService() = default;

void QueueService::StopStreams() {
  impl_->streams.StopAll();
}

grpc::ServerUnaryReactor* QueueService::GetEvent(grpc::CallbackServerContext& context,
                                                 const v1::GetEventRequest& request,
                                                 v1::GetEventResponse& response) {
  auto* reactor = context.DefaultReactor();
  const auto event_id = ParseEventId(request.event_id());
  if (!event_id) {
    reactor->Finish(ToGrpcStatus(event_id.error()));
    return reactor;
  }
  impl_->store.Find(*event_id, [reactor, &response](const Result<EventView>& event) {
    if (!event) return reactor->Finish(ToGrpcStatus(event.error()));
    EncodeOutboxEvent(*event, *response.mutable_event());
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

grpc::ServerWriteReactor<v1::ListEventsResponse>* QueueService::ListEvents(
    const v1::ListEventsRequest& request) {
  return StartEventList(impl_->store, impl_->streams, request);
}

grpc::ServerWriteReactor<v1::WatchEventsResponse>* QueueService::WatchEvents(
    const v1::WatchEventsRequest& request) {
  return StartEventWatch({impl_->store, impl_->changes, impl_->streams, impl_->encode_status}, request);
}

grpc::ServerUnaryReactor* QueueService::ExplainEvent(grpc::CallbackServerContext& context,
                                                     const v1::ExplainEventRequest& request,
                                                     v1::ExplainEventResponse& response) {
  auto* reactor = context.DefaultReactor();
  const auto event_id = ParseEventId(request.event_id());
  if (!event_id) {
    reactor->Finish(ToGrpcStatus(event_id.error()));
    return reactor;
  }
  impl_->store.Examine(*event_id, [this, reactor, &response](const Result<CaptureStore::Examined>& examined) {
    if (!examined) return reactor->Finish(ToGrpcStatus(examined.error()));
    impl_->Explain(*examined, response);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

grpc::ServerUnaryReactor* QueueService::RequeueEvent(grpc::CallbackServerContext& context,
                                                     const v1::RequeueEventRequest& request,
                                                     v1::RequeueEventResponse& response) {
  auto* reactor = context.DefaultReactor();
  const auto event_id = ParseEventId(request.event_id());
  if (!event_id) {
    reactor->Finish(ToGrpcStatus(event_id.error()));
    return reactor;
  }
  impl_->store.Requeue(*event_id, [this, reactor, &response](const Result<Outbox::Requeued>& requeued) {
    if (!requeued) return reactor->Finish(ToGrpcStatus(requeued.error()));
    response.set_parked_reason(requeued->reason);
    if (impl_->uplink.requeued) impl_->uplink.requeued(requeued->position);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

grpc::ServerUnaryReactor* QueueService::RequeueEvents(grpc::CallbackServerContext& context,
                                                      const v1::RequeueEventsRequest& request,
                                                      v1::RequeueEventsResponse& response) {
  auto* reactor = context.DefaultReactor();
  if (request.parked_reason().empty()) {
    reactor->Finish(ToGrpcStatus(Invalid("parked_reason is required",
                                         "give it as tillwire status shows it, for example TOO_MANY_LINES")));
    return reactor;
  }
  impl_->RequeueAll(request.parked_reason(), 0, [reactor, &response](const Result<std::uint64_t>& requeued) {
    if (!requeued) return reactor->Finish(ToGrpcStatus(requeued.error()));
    response.set_requeued(*requeued);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

grpc::ServerUnaryReactor* QueueService::ReleaseEvent(grpc::CallbackServerContext& context,
                                                     const v1::ReleaseEventRequest& request,
                                                     v1::ReleaseEventResponse& response) {
  auto* reactor = context.DefaultReactor();
  const auto event_id = ParseEventId(request.event_id());
  const auto decision = ValidateDecision(request.operator_id(), request.reason());
  if (!event_id || !decision) {
    reactor->Finish(ToGrpcStatus(event_id ? decision.error() : event_id.error()));
    return reactor;
  }
  impl_->store.Release(*event_id, "released by operator " + request.operator_id() + ": " + request.reason(),
                       [this, reactor, &response, id = *event_id,
                        who = request.operator_id()](const Result<Outbox::Requeued>& released) {
                         if (!released) return reactor->Finish(ToGrpcStatus(released.error()));
                         spdlog::warn("capture: an event was released event={} operator={}", id.ToString(),
                                      who);
                         response.set_parked_reason(released->reason);
                         if (impl_->uplink.released) impl_->uplink.released();
                         reactor->Finish(grpc::Status::OK);
                       });
  return reactor;
}

grpc::ServerUnaryReactor* QueueService::PauseUplink(grpc::CallbackServerContext& context,
                                                    const v1::PauseUplinkRequest& request,
                                                    v1::PauseUplinkResponse& response) {
  auto* reactor = context.DefaultReactor();
  std::chrono::milliseconds duration = kDefaultPause;
  if (request.has_duration()) duration = DecodeDuration(request.duration());
  auto checked = ValidateDecision(request.operator_id(), request.reason());
  if (checked && (duration <= duration.zero() || duration > kMaxPause)) {
    checked = Invalid("duration is not above zero and at most a day", "give a time within these");
  }
  if (!checked) {
    reactor->Finish(ToGrpcStatus(checked.error()));
    return reactor;
  }
  const WallTime now = impl_->clock.WallNow();
  const UplinkPause pause{request.operator_id(), request.reason(), now, now + duration};
  impl_->store.SetPause(pause,
                        [this, reactor, &response, pause](const Result<std::optional<UplinkPause>>& noted) {
                          if (!noted) return reactor->Finish(ToGrpcStatus(noted.error()));
                          EncodeTime(pause.until, *response.mutable_until_time());
                          if (impl_->uplink.paused) impl_->uplink.paused(pause);
                          reactor->Finish(grpc::Status::OK);
                        });
  return reactor;
}

grpc::ServerUnaryReactor* QueueService::ResumeUplink(grpc::CallbackServerContext& context,
                                                     v1::ResumeUplinkResponse& response) {
  auto* reactor = context.DefaultReactor();
  impl_->store.SetPause(std::nullopt,
                        [this, reactor, &response](const Result<std::optional<UplinkPause>>& before) {
                          if (!before) return reactor->Finish(ToGrpcStatus(before.error()));
                          response.set_was_paused(*before && (*before)->until > impl_->clock.WallNow());
                          if (impl_->uplink.paused) impl_->uplink.paused(std::nullopt);
                          reactor->Finish(grpc::Status::OK);
                        });
  return reactor;
}

}  // namespace tillwire
