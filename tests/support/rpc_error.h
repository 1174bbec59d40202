// How a client of ours reads a gRPC status.
#pragma once

#include <grpcpp/support/status.h>

#include "core/result.h"

namespace tillwire {

// A code that the contracts do not name (a deadline, a broken connection) leaves the outcome open: kUnknown.
inline Error ErrorFromRpc(const grpc::Status& status) {
  Error error;
  error.message = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      error.code = ErrorCode::kInvalidArgument;
      break;
    case grpc::StatusCode::NOT_FOUND:
      error.code = ErrorCode::kNotFound;
      break;
    case grpc::StatusCode::ALREADY_EXISTS:
      error.code = ErrorCode::kAlreadyExists;
      break;
    case grpc::StatusCode::FAILED_PRECONDITION:
      error.code = ErrorCode::kFailedPrecondition;
      break;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      error.code = ErrorCode::kResourceExhausted;
      break;
    case grpc::StatusCode::UNAVAILABLE:
      error.code = ErrorCode::kUnavailable;
      break;
    default:
      error.code = ErrorCode::kUnknown;
  }
  return error;
}

}  // namespace tillwire
