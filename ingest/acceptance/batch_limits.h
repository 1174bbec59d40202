// Whether what an agent sent keeps to the limits of its Welcome. Acceptance counts on it; a stream that does
// not is ended.
#pragma once

#include <cstddef>

#include "core/result.h"
#include "core/write_back.h"

namespace tillwire {

// kInvalidArgument names the limit.
Result<void> CheckLimits(const EventBatch& batch, const StreamLimits& limits);
Result<void> CheckLimits(const Tombstones& tombstones, const StreamLimits& limits);
Result<void> CheckLimits(const Digest& digest);
// Whether one more batch may come while that many are unanswered.
Result<void> CheckWindow(std::size_t unanswered, const StreamLimits& limits);

}  // namespace tillwire
