#include "core/write_back.h"

#include <catch2/catch.hpp>
#include <string>

namespace tillwire {
namespace {

TEST_CASE("Reasons for parking have the contract's words") {
  CHECK(std::string(ParkReasonName(ParkReason::kTooManyLines)) == "TOO_MANY_LINES");
  CHECK(std::string(ParkReasonName(ParkReason::kStoreNotAllowed)) == "STORE_NOT_ALLOWED");
  CHECK(std::string(ParkReasonName(ParkReason::kInvalidEvent)) == "INVALID_EVENT");
  CHECK(std::string(ParkReasonName(ParkReason::kHashMismatch)) == "HASH_MISMATCH");
  CHECK(std::string(ParkReasonName(ParkReason::kEventIdReused)) == "EVENT_ID_REUSED");
}

}  // namespace
}  // namespace tillwire
