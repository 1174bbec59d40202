// The command's side of the agent's socket.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"

namespace tillwire {

namespace v1 {
class CaptureEventRequest;
class CaptureEventResponse;
class ExplainEventResponse;
class GetAgentStatusResponse;
class GetEventResponse;
class ListEventsRequest;
class OutboxEvent;
class PauseUplinkRequest;
class PauseUplinkResponse;
class ReleaseEventRequest;
class ReleaseEventResponse;
class RequeueEventResponse;
class RequeueEventsResponse;
class ResumeUplinkResponse;
class WatchEventsResponse;
}  // namespace v1

// One connection, never renewed: after it broke, nobody knows what became of a call under way.
//
// A call fails with the agent's own error, or with kUnknown where there was no answer in time or the
// connection broke, or with kUnavailable where whatever listens there is no agent that knows the call.
class AgentTransport {
 public:
  // kUnavailable, with the reason and the remedy, if nobody listens there or this user may not connect.
  static Result<AgentTransport> Connect(const std::string& socket, std::chrono::milliseconds timeout);
  // Says too whether a failure is for want of an agent: there is no socket, or a connection is refused.
  static Result<AgentTransport> Connect(const std::string& socket, std::chrono::milliseconds timeout,
                                        bool& nobody_listens);
  ~AgentTransport();
  AgentTransport(AgentTransport&&) noexcept;
  AgentTransport& operator=(AgentTransport&&) noexcept;

  Result<void> CaptureEvent(const v1::CaptureEventRequest& request, v1::CaptureEventResponse& response);
  Result<void> RequeueEvent(const std::string& event_id, v1::RequeueEventResponse& response);
  Result<void> GetAgentStatus(v1::GetAgentStatusResponse& response);
  Result<void> GetEvent(const std::string& event_id, v1::GetEventResponse& response);
  Result<void> ExplainEvent(const std::string& event_id, v1::ExplainEventResponse& response);
  Result<void> RequeueEvents(const std::string& parked_reason, v1::RequeueEventsResponse& response);
  Result<void> ReleaseEvent(const v1::ReleaseEventRequest& request, v1::ReleaseEventResponse& response);
  Result<void> PauseUplink(const v1::PauseUplinkRequest& request, v1::PauseUplinkResponse& response);
  Result<void> ResumeUplink(v1::ResumeUplinkResponse& response);

  // Hands over event after event until all are told or `each` wants no more (false). The time to answer
  // starts anew with each.
  Result<void> ListEvents(const v1::ListEventsRequest& request,
                          const std::function<bool(const v1::OutboxEvent&)>& each);
  // Hands over what changes, for as long as the agent runs and `each` wants more (false ends it well). It
  // blocks; no other call on this object is made meanwhile, but from within `each`, or StopWatching().
  Result<void> WatchEvents(bool include_events,
                           const std::function<bool(const v1::WatchEventsResponse&)>& each);
  // Ends WatchEvents() well, also one that has not begun. Any thread may call.
  void StopWatching();

 private:
  class Impl;
  explicit AgentTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
