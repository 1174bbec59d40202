// What capture counts: events that were stored, and requests that were not.
#pragma once

#include "core/clock.h"
#include "core/event.h"
#include "core/metrics.h"
#include "core/result.h"

namespace tillwire {

struct CaptureMetrics {
  CounterBy<EventSource, EventSource::kSpool> captured;  // without repeats
  Counter repeated;                                      // answered with the first capture of their key
  CounterBy<ErrorCode, ErrorCode::kInternal> refused;
  Histogram seconds{kMicrosecondBounds};  // from a request to its answer, whatever that was
};

}  // namespace tillwire
