// A store's day as its associates make it: orders cancelled in whole or by lines, the bins cleared after
// them, and a few bins cleared for their own sake.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {

struct StoreDayOptions {
  std::uint64_t seed = 1;
  std::size_t captures = 2000;
  WallTime begin = FromMicros(1'780'000'000'000'000);  // when the first action is taken
  std::chrono::milliseconds step{40};                  // from one action to the next
};

struct PlannedCapture {
  v1::CaptureEventRequest request;
  std::string lane;  // the order, or the bin where there is none
  // The place in the plan of the cancellation that led to this clear. Its event id goes into the request once
  // it is known: FillCancellation.
  std::optional<std::size_t> cancellation;
};

// The same options give the same day. In the order of the day; captures of a lane must be made in that order.
std::vector<PlannedCapture> PlanStoreDay(const StoreDayOptions& options);

void FillCancellation(v1::CaptureEventRequest& request, const std::string& event_id);

}  // namespace tillwire
