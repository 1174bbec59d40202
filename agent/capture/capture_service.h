// tillwire.v1.CaptureService: from a caller's request to an event in the outbox, and what the agent says of
// itself.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/capture/capture_gate.h"
#include "agent/capture/capture_intake.h"
#include "agent/capture/capture_metrics.h"
#include "agent/capture/queue_service.h"
#include "agent/capture_store.h"
#include "agent/change_feed.h"
#include "agent/phase_probe.h"
#include "agent/spool_status.h"
#include "core/clock.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tillwire {

struct CaptureServiceOptions {
  std::string store_id;
  std::string terminal_id;
  std::string agent_version;
  // After each capture that was stored; a repeat is not. Called on the store's thread; must not block.
  std::function<void()> on_captured;
  UplinkHooks uplink;
  std::function<SpoolStatus()> spool_status;  // thread-safe, must not block; may be empty
  PhaseProbe probe;                           // may be empty
};

// Answers on gRPC's threads and on the store's; keeps no thread of its own.
class CaptureService {
 public:
  // Captures reach the store through the gate; `changes` tells the service what others changed. All
  // references must outlive the service.
  CaptureService(CaptureStore& store, CaptureGate& gate, ChangeFeed& changes, const Clock& clock,
                 CaptureIntake& intake, CaptureMetrics& metrics, CaptureServiceOptions options);
  // Only after the server that serves it has shut down.
  ~CaptureService();
  CaptureService(const CaptureService&) = delete;
  CaptureService& operator=(const CaptureService&) = delete;

  // Ends the calls that would last, before the server shuts down.
  void StopStreams();

  // What a server registers.
  grpc::Service& Grpc();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
