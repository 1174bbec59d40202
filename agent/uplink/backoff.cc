#include "agent/uplink/backoff.h"

#include <algorithm>

namespace tillwire {

std::chrono::milliseconds Backoff::Next(Rng& rng) {
  const std::int64_t scaled = base_.count() << std::min(attempts_, kMaxDoublings);
  const std::int64_t ceiling = std::min(scaled, static_cast<std::int64_t>(cap_.count()));
  if (attempts_ < kMaxDoublings) ++attempts_;
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(rng.Next() % static_cast<std::uint64_t>(ceiling + 1)));
}

}  // namespace tillwire
