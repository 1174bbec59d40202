#include "proto/grpc_error.h"

#include <grpcpp/support/status.h>

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("An error crosses the wire whole, for people and for programs") {
  const auto code =
      GENERATE(ErrorCode::kInvalidArgument, ErrorCode::kNotFound, ErrorCode::kAlreadyExists,
               ErrorCode::kFailedPrecondition, ErrorCode::kResourceExhausted, ErrorCode::kUnavailable,
               ErrorCode::kUnknown, ErrorCode::kDataLoss, ErrorCode::kInternal);
  const grpc::Status status = ToGrpcStatus({code, "the outbox is full", "wait until it drains"});
  CHECK(status.error_message() == "the outbox is full; wait until it drains");
  const auto error = ErrorByPeer(status);
  REQUIRE(error);
  CHECK(error->code == code);
  CHECK(error->message == "the outbox is full");
  CHECK(error->hint == "wait until it drains");
}

TEST_CASE("The codes are gRPC's of the same name") {
  CHECK(ToGrpcStatus({ErrorCode::kInvalidArgument, "m", ""}).error_code() ==
        grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(ToGrpcStatus({ErrorCode::kAlreadyExists, "m", ""}).error_code() == grpc::StatusCode::ALREADY_EXISTS);
  CHECK(ToGrpcStatus({ErrorCode::kUnknown, "m", ""}).error_code() == grpc::StatusCode::UNKNOWN);
}

// google.rpc.Status { code: 14, message: "m", details: Any of ErrorInfo { reason: "UNAVAILABLE", domain:
// "tillwire", metadata { message: "m" }, { hint: "" } } }, encoded by hand, as other implementations read it.
TEST_CASE("The details are google.rpc's encoding") {
  const std::string info =
      "\x0A\x0BUNAVAILABLE\x12\x08tillwire"
      "\x1A\x0C\x0A\x07message\x12\x01m"
      "\x1A\x08\x0A\x04hint\x12";
  const std::string any = "\x0A\x28type.googleapis.com/google.rpc.ErrorInfo\x12" +
                          std::string(1, static_cast<char>(info.size() + 1)) + info + std::string(1, '\0');
  const std::string expected = std::string("\x08\x0E\x12\x01m\x1A") + static_cast<char>(any.size()) + any;
  CHECK(ToGrpcStatus({ErrorCode::kUnavailable, "m", ""}).error_details() == expected);
}

TEST_CASE("A status of the gRPC library's own is not the peer's answer") {
  const grpc::Status broken(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  CHECK_FALSE(ErrorByPeer(broken));
  CHECK(ErrorFromGrpcStatus(broken).code == ErrorCode::kUnavailable);
  CHECK(ErrorFromGrpcStatus(broken).message == "Socket closed");
  CHECK_FALSE(ErrorByPeer(grpc::Status(grpc::StatusCode::UNAVAILABLE, "m", "no google.rpc.Status")));
  CHECK_FALSE(ErrorByPeer(grpc::Status::OK));
  CHECK(ErrorFromGrpcStatus(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "m")).code ==
        ErrorCode::kUnknown);
}

}  // namespace
}  // namespace tillwire
