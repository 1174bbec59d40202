// The command's side of the agent's socket.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/result.h"

namespace tillwire {

namespace v1 {
class CaptureEventRequest;
class CaptureEventResponse;
class GetAgentStatusResponse;
class RequeueEventResponse;
}  // namespace v1

// One connection, never renewed: after it broke, nobody knows what became of a call under way.
//
// A call fails with the agent's own error, or with kUnknown where there was no answer in time or the
// connection broke, or with kUnavailable where whatever listens there is no agent that knows the call.
class AgentTransport {
 public:
  // kUnavailable, with the reason and the remedy, if nobody listens there or this user may not connect.
  static Result<AgentTransport> Connect(const std::string& socket, std::chrono::milliseconds timeout);
  // Whether that is for want of an agent: there is no socket, or a connection is refused.
  static bool NobodyListens(const std::string& socket);
  ~AgentTransport();
  AgentTransport(AgentTransport&&) noexcept;
  AgentTransport& operator=(AgentTransport&&) noexcept;

  Result<void> CaptureEvent(const v1::CaptureEventRequest& request, v1::CaptureEventResponse& response);
  Result<void> RequeueEvent(const std::string& event_id, v1::RequeueEventResponse& response);
  Result<void> GetAgentStatus(v1::GetAgentStatusResponse& response);

 private:
  class Impl;
  explicit AgentTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
