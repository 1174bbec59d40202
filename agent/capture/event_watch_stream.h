// One WatchEvents call: tells a screen what changes, a few times a second at most.
#pragma once

#include <functional>

#include "agent/capture_store.h"
#include "agent/change_feed.h"
#include "platform/open_calls.h"

namespace grpc {
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace tillwire {

namespace v1 {
class GetAgentStatusResponse;
class WatchEventsRequest;
class WatchEventsResponse;
}  // namespace v1

struct EventWatchParts {
  CaptureStore& store;
  ChangeFeed& changes;
  OpenCalls& calls;
  std::function<void(const OutboxStatus&, v1::GetAgentStatusResponse&)> encode_status;
};

// The reactor of a new call; it goes by itself when the call is done.
grpc::ServerWriteReactor<v1::WatchEventsResponse>* StartEventWatch(const EventWatchParts& parts,
                                                                   const v1::WatchEventsRequest& request);

}  // namespace tillwire
