#include "ingest/acceptance/results.h"

#include <utility>

namespace tillwire {
namespace {

constexpr std::size_t kShownHexDigits = 12;

std::string Short(const Hash& hash) {
  return hash.ToHex().substr(0, kShownHexDigits);
}

}  // namespace

RecordResult PlainResult(std::uint64_t sequence, Disposition disposition) {
  RecordResult result;
  result.sequence = sequence;
  result.disposition = disposition;
  return result;
}

RecordResult ParkedResult(std::uint64_t sequence, ParkReason reason, std::string detail) {
  RecordResult result = PlainResult(sequence, Disposition::kParked);
  result.park_reason = reason;
  result.detail = std::move(detail);
  return result;
}

RecordResult LaneHeldResult(std::uint64_t sequence) {
  RecordResult result = PlainResult(sequence, Disposition::kRetry);
  result.lane_held = true;
  return result;
}

RecordResult ConflictResult(std::uint64_t sequence, const std::string& what, const Hash& ours,
                            const Hash& theirs) {
  RecordResult result = PlainResult(sequence, Disposition::kConflict);
  result.detail =
      "sequence " + std::to_string(sequence) + " " + what + " " + Short(ours) + ", not " + Short(theirs);
  return result;
}

}  // namespace tillwire
