// The uplink's side of the stream: the seam between the protocol's logic and gRPC.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/uplink/uplink_status.h"
#include "core/write_back.h"

namespace tillwire {

// Why a stream ended.
struct StreamEnd {
  UplinkProblem kind = UplinkProblem::kUnreachable;
  std::string message;  // what happened, with the transport's own words
  std::string remedy;   // what a person can do
};

// Called on the uplink's thread, only for the stream that was opened last.
class TransportListener {
 public:
  virtual ~TransportListener() = default;
  virtual void OnMessage(ToAgent message) = 0;
  // The stream is over; nothing more comes until the next Open().
  virtual void OnClosed(StreamEnd end) = 0;
};

// Used on the uplink's thread.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void SetListener(TransportListener* listener) = 0;
  // Begins a stream on a connection of its own: nothing of an earlier one is used again. Closes an open one
  // first.
  virtual void Open() = 0;
  // Queues a message. The order is kept. Messages to a stream that has ended are dropped.
  virtual void Send(ToCentre message) = 0;
  // Ends the stream at once. No OnClosed() follows.
  virtual void Close() = 0;
};

}  // namespace tillwire
