// What callers of the socket may ask about the queue, and do to it: every call of CaptureService but
// CaptureEvent and GetAgentStatus.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "agent/capture_store.h"
#include "agent/change_feed.h"
#include "agent/uplink/uplink_status.h"
#include "core/clock.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace tillwire {

namespace v1 {
class ExplainEventRequest;
class ExplainEventResponse;
class GetAgentStatusResponse;
class GetEventRequest;
class GetEventResponse;
class ListEventsRequest;
class ListEventsResponse;
class PauseUplinkRequest;
class PauseUplinkResponse;
class ReleaseEventRequest;
class ReleaseEventResponse;
class RequeueEventRequest;
class RequeueEventResponse;
class RequeueEventsRequest;
class RequeueEventsResponse;
class ResumeUplinkResponse;
class WatchEventsRequest;
class WatchEventsResponse;
}  // namespace v1

// What the queue's callers need of the uplink. Each is thread-safe, must not block, and may be empty.
struct UplinkHooks {
  std::function<UplinkStatus()> status;
  std::function<UplinkActivity(Position)> describe;
  std::function<void(Position)> requeued;  // something at or above it was put back into the queue
  std::function<void()> released;
  std::function<void(const std::optional<UplinkPause>&)> paused;  // or, without one, resumed
};

// Answers on gRPC's threads and on the store's.
class QueueService {
 public:
  // `encode_status` makes the answer of GetAgentStatus. All references must outlive the service.
  QueueService(CaptureStore& store, ChangeFeed& changes, const Clock& clock, UplinkHooks uplink,
               std::function<void(const OutboxStatus&, v1::GetAgentStatusResponse&)> encode_status);
  ~QueueService();
  QueueService(const QueueService&) = delete;
  QueueService& operator=(const QueueService&) = delete;

  // Ends the calls that would last: lists and watches. No new ones are begun.
  void StopStreams();

  // The calls, as tillwire/v1/capture.proto has them.
  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext& context, const v1::GetEventRequest& request,
                                     v1::GetEventResponse& response);
  grpc::ServerWriteReactor<v1::ListEventsResponse>* ListEvents(const v1::ListEventsRequest& request);
  grpc::ServerWriteReactor<v1::WatchEventsResponse>* WatchEvents(const v1::WatchEventsRequest& request);
  grpc::ServerUnaryReactor* ExplainEvent(grpc::CallbackServerContext& context,
                                         const v1::ExplainEventRequest& request,
                                         v1::ExplainEventResponse& response);
  grpc::ServerUnaryReactor* RequeueEvent(grpc::CallbackServerContext& context,
                                         const v1::RequeueEventRequest& request,
                                         v1::RequeueEventResponse& response);
  grpc::ServerUnaryReactor* RequeueEvents(grpc::CallbackServerContext& context,
                                          const v1::RequeueEventsRequest& request,
                                          v1::RequeueEventsResponse& response);
  grpc::ServerUnaryReactor* ReleaseEvent(grpc::CallbackServerContext& context,
                                         const v1::ReleaseEventRequest& request,
                                         v1::ReleaseEventResponse& response);
  grpc::ServerUnaryReactor* PauseUplink(grpc::CallbackServerContext& context,
                                        const v1::PauseUplinkRequest& request,
                                        v1::PauseUplinkResponse& response);
  grpc::ServerUnaryReactor* ResumeUplink(grpc::CallbackServerContext& context,
                                         v1::ResumeUplinkResponse& response);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
