#include "core/result.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

namespace tillwire {
namespace {

Result<std::unique_ptr<int>> MakeNumber(bool works) {
  if (!works) return Error{ErrorCode::kNotFound, "no number", "count again"};
  return std::make_unique<int>(7);
}

TEST_CASE("A result holds a value, which can be moved out") {
  auto result = MakeNumber(true);
  REQUIRE(result.ok());
  CHECK(**result == 7);
  const std::unique_ptr<int> number = std::move(result).value();
  CHECK(*number == 7);
}

TEST_CASE("A failed result says what happened and what to do") {
  const auto result = MakeNumber(false);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::kNotFound);
  CHECK(result.error().Text() == "no number; count again");
  CHECK(Error{ErrorCode::kInternal, "no hint", ""}.Text() == "no hint");
}

TEST_CASE("A result without a value is success unless it was given an error") {
  CHECK(Result<void>().ok());
  const Result<void> failed(Error{ErrorCode::kUnavailable, "stopping", ""});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("Error codes have gRPC's names") {
  CHECK(std::string(ErrorCodeName(ErrorCode::kInvalidArgument)) == "INVALID_ARGUMENT");
  CHECK(std::string(ErrorCodeName(ErrorCode::kResourceExhausted)) == "RESOURCE_EXHAUSTED");
  CHECK(std::string(ErrorCodeName(ErrorCode::kDataLoss)) == "DATA_LOSS");
}

}  // namespace
}  // namespace tillwire
