#include "core/write_back.h"

namespace tillwire {

const char* ParkReasonName(ParkReason reason) {
  switch (reason) {
    case ParkReason::kUnspecified:
      return "UNSPECIFIED";
    case ParkReason::kTooManyLines:
      return "TOO_MANY_LINES";
    case ParkReason::kStoreNotAllowed:
      return "STORE_NOT_ALLOWED";
    case ParkReason::kInvalidEvent:
      return "INVALID_EVENT";
    case ParkReason::kHashMismatch:
      return "HASH_MISMATCH";
    case ParkReason::kEventIdReused:
      return "EVENT_ID_REUSED";
  }
  return "UNSPECIFIED";
}

bool EpochDigest::AddsUp() const {
  std::uint64_t rest = last;
  for (const std::uint64_t count :
       {delivered, pending, parked, moved, lost, damaged, released, not_in_effect}) {
    if (count > rest) return false;
    rest -= count;
  }
  return rest == 0;
}

}  // namespace tillwire
