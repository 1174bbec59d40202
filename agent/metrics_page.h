// What /metrics and /healthz of the agent say.
#pragma once

#include <functional>
#include <string>

#include "agent/capture/capture_metrics.h"
#include "agent/capture_store.h"
#include "agent/spool_status.h"
#include "agent/uplink/uplink_metrics.h"
#include "agent/uplink/uplink_status.h"
#include "core/clock.h"
#include "platform/bounded_question.h"
#include "storage/timed_store.h"

namespace tillwire {

struct AgentMetrics {
  CaptureMetrics capture;
  UplinkMetrics uplink;
  CommitMetrics commits;
};

struct AgentPageOptions {
  std::string agent_version;
  std::function<UplinkStatus()> uplink_status;
  std::function<SpoolStatus()> spool_status;
  // For the storage thread's answer; a page never takes longer.
  std::chrono::milliseconds patience = std::chrono::seconds(2);
};

// Used by one thread, which must not be the store's.
class AgentMetricsPage {
 public:
  // All three outlive it.
  AgentMetricsPage(const AgentMetrics& metrics, CaptureStore& store, const Clock& clock,
                   AgentPageOptions options);

  // Without the numbers of the outbox, and tillwire_outbox_up 0, where the store does not answer.
  std::string Metrics();
  // Whether the store answers.
  Result<void> Health();

 private:
  const AgentMetrics& metrics_;
  const Clock& clock_;
  const AgentPageOptions options_;
  const WallTime start_;
  BoundedQuestion<OutboxStatus> outbox_;
};

}  // namespace tillwire
