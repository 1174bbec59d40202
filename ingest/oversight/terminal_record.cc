#include "ingest/oversight/terminal_record.h"

#include <algorithm>

namespace tillwire {

std::uint64_t EpochRecord::Unexplained() const {
  if (abandoned_since) return facts.missing + facts.parked;
  const std::uint64_t beyond_pending = facts.missing - std::min(facts.missing, digest.pending);
  const std::uint64_t missing = std::max(beyond_pending, facts.missing_resolved);
  // Counts that do not add up, and another record at the end, are each a gap even where nothing is missing.
  return missing > 0 ? missing : static_cast<std::uint64_t>(facts.hash_differs || !digest.AddsUp() ? 1 : 0);
}

std::uint64_t TerminalRecord::Unexplained() const {
  std::uint64_t count = 0;
  for (const EpochRecord& epoch : epochs) count += epoch.Unexplained();
  return count;
}

std::uint64_t TerminalRecord::Waiting() const {
  std::uint64_t count = 0;
  for (const EpochRecord& epoch : epochs) {
    if (!epoch.abandoned_since) count += std::min(epoch.digest.pending, epoch.facts.missing);
  }
  return count;
}

std::uint64_t TerminalRecord::Parked() const {
  std::uint64_t count = 0;
  for (const EpochRecord& epoch : epochs) count += epoch.facts.parked;
  return count;
}

bool TerminalRecord::MissesEvents() const {
  return std::ranges::any_of(epochs, [](const EpochRecord& epoch) { return epoch.facts.missing > 0; });
}

std::uint64_t TerminalRecord::GivenUpByFault() const {
  std::uint64_t count = 0;
  for (const EpochRecord& epoch : epochs) count += epoch.digest.lost + epoch.digest.damaged;
  return count;
}

}  // namespace tillwire
