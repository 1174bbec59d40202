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

}  // namespace tillwire
