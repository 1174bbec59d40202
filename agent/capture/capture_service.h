// tillwire.v1.CaptureService: from a caller's request to an event in the outbox, and what the agent says of
// itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/capture/capture_intake.h"
#include "agent/capture_store.h"
#include "agent/phase_probe.h"
#include "agent/uplink/uplink_status.h"
#include "core/clock.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tillwire {

struct CaptureServiceOptions {
  std::string store_id;
  std::string terminal_id;
  std::string agent_version;
  // Both are called on the store's thread and must not block.
  std::function<void()> on_captured;            // after each capture that was stored; a repeat is not
  std::function<void(Position)> on_requeued;    // after an event was put back into the queue
  std::function<UplinkStatus()> uplink_status;  // called on the store's thread; thread-safe
  PhaseProbe probe;                             // may be empty
};

// Answers on gRPC's threads and on the store's; keeps no thread of its own.
class CaptureService {
 public:
  // All three must outlive the service.
  CaptureService(CaptureStore& store, const Clock& clock, CaptureIntake& intake,
                 CaptureServiceOptions options);
  // Only after the server that serves it has shut down.
  ~CaptureService();
  CaptureService(const CaptureService&) = delete;
  CaptureService& operator=(const CaptureService&) = delete;

  // What a server registers.
  grpc::Service& Grpc();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
