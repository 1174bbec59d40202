// One ListEvents call: streams what the outbox holds, page by page.
#pragma once

#include "agent/capture_store.h"
#include "platform/open_calls.h"

namespace grpc {
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace tillwire {

namespace v1 {
class ListEventsRequest;
class ListEventsResponse;
}  // namespace v1

// The reactor of a new call; it goes by itself when the call is done. The store answers pages between
// captures, so a long list does not hold them up.
grpc::ServerWriteReactor<v1::ListEventsResponse>* StartEventList(CaptureStore& store, OpenCalls& calls,
                                                                 const v1::ListEventsRequest& request);

}  // namespace tillwire
