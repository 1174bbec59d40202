// What the uplink counts.
#pragma once

#include "agent/uplink/uplink_status.h"
#include "core/metrics.h"
#include "core/write_back.h"

namespace tillwire {

struct UplinkMetrics {
  Counter delivered;  // events that the centre is known to have; again where it had lost them
  CounterBy<ParkReason, ParkReason::kEventIdReused> parked;
  CounterBy<UplinkProblem, UplinkProblem::kDisk> failures;  // attempts and streams that ended
  Counter connects;
  Histogram delivery_seconds{kMicrosecondBounds};  // from sending a batch to its answer being on disk here
};

}  // namespace tillwire
