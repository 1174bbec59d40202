// What the streams count.
#pragma once

#include "core/metrics.h"
#include "core/write_back.h"

namespace tillwire {

struct IngestionMetrics {
  CounterBy<Disposition, Disposition::kTombstoned> records;  // by what was answered
  CounterBy<ParkReason, ParkReason::kEventIdReused> parked;
  Counter tombstones;  // closed, by what was answered to Tombstones
  Counter conflicts;   // of records and of tombstones
  Histogram batch_records{kRecordBounds};
};

}  // namespace tillwire
