// Errors on the wire.
//
// The status code is the error's code and the status message its text, for people. What programs need travels
// in grpc-status-details-bin as a google.rpc.Status with one google.rpc.ErrorInfo: domain "tillwire", reason
// the code's name, metadata "message" and "hint". Its presence shows that the peer itself gave the answer; a
// status that the gRPC library made (a broken connection, a deadline) has none.
#pragma once

#include <optional>

#include "core/result.h"

namespace grpc {
class Status;
}  // namespace grpc

namespace tillwire {

grpc::Status ToGrpcStatus(const Error& error);

// What the peer itself answered; nothing where the status is OK or the gRPC library's own.
std::optional<Error> ErrorByPeer(const grpc::Status& status);

// Any status that is not OK as an Error. A status of the gRPC library's own keeps its message and has no
// hint; a code without a counterpart becomes kUnknown.
Error ErrorFromGrpcStatus(const grpc::Status& status);

}  // namespace tillwire
