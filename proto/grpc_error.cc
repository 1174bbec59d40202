#include "proto/grpc_error.h"

#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/support/status.h>

#include <array>
#include <string>

namespace tillwire {
namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr const char* kDomain = "tillwire";
constexpr const char* kErrorInfoType = "type.googleapis.com/google.rpc.ErrorInfo";

struct CodePair {
  ErrorCode ours;
  grpc::StatusCode theirs;
};
constexpr std::array<CodePair, 9> kCodes = {{
    {ErrorCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
    {ErrorCode::kNotFound, grpc::StatusCode::NOT_FOUND},
    {ErrorCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
    {ErrorCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
    {ErrorCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {ErrorCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::kUnknown, grpc::StatusCode::UNKNOWN},
    {ErrorCode::kDataLoss, grpc::StatusCode::DATA_LOSS},
    {ErrorCode::kInternal, grpc::StatusCode::INTERNAL},
}};

grpc::StatusCode CodeOf(ErrorCode code) {
  for (const auto& pair : kCodes) {
    if (pair.ours == code) return pair.theirs;
  }
  return grpc::StatusCode::INTERNAL;
}

ErrorCode CodeOf(grpc::StatusCode code) {
  for (const auto& pair : kCodes) {
    if (pair.theirs == code) return pair.ours;
  }
  return ErrorCode::kUnknown;
}

// google.rpc.Status and ErrorInfo, written and read by field number: their .proto files are no part of
// protobuf, and these few fields are frozen (google/rpc/status.proto, google/rpc/error_details.proto).
namespace number {
constexpr int kStatusCode = 1;
constexpr int kStatusMessage = 2;
constexpr int kStatusDetails = 3;
constexpr int kAnyTypeUrl = 1;
constexpr int kAnyValue = 2;
constexpr int kErrorInfoReason = 1;
constexpr int kErrorInfoDomain = 2;
constexpr int kErrorInfoMetadata = 3;
constexpr int kMapKey = 1;
constexpr int kMapValue = 2;
}  // namespace number

std::string Bytes(const UnknownFieldSet& fields) {
  std::string bytes;
  fields.SerializeToString(&bytes);
  return bytes;
}

// The first field of that number, if it is a string, bytes or message.
std::string Field(const std::string& message, int field_number) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(message)) return {};
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() == field_number && field.type() == UnknownField::TYPE_LENGTH_DELIMITED) {
      return field.length_delimited();
    }
  }
  return {};
}

std::string Metadata(const std::string& error_info, const std::string& key) {
  UnknownFieldSet fields;
  if (!fields.ParseFromString(error_info)) return {};
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() != number::kErrorInfoMetadata || field.type() != UnknownField::TYPE_LENGTH_DELIMITED)
      continue;
    if (Field(field.length_delimited(), number::kMapKey) == key) {
      return Field(field.length_delimited(), number::kMapValue);
    }
  }
  return {};
}

std::string Details(const Error& error, grpc::StatusCode code) {
  UnknownFieldSet info;
  info.AddLengthDelimited(number::kErrorInfoReason, ErrorCodeName(error.code));
  info.AddLengthDelimited(number::kErrorInfoDomain, kDomain);
  for (const auto& [key, value] : {std::pair("message", error.message), std::pair("hint", error.hint)}) {
    UnknownFieldSet entry;
    entry.AddLengthDelimited(number::kMapKey, key);
    entry.AddLengthDelimited(number::kMapValue, value);
    info.AddLengthDelimited(number::kErrorInfoMetadata, Bytes(entry));
  }
  UnknownFieldSet any;
  any.AddLengthDelimited(number::kAnyTypeUrl, kErrorInfoType);
  any.AddLengthDelimited(number::kAnyValue, Bytes(info));
  UnknownFieldSet status;
  status.AddVarint(number::kStatusCode, static_cast<std::uint64_t>(code));
  status.AddLengthDelimited(number::kStatusMessage, error.Text());
  status.AddLengthDelimited(number::kStatusDetails, Bytes(any));
  return Bytes(status);
}

}  // namespace

grpc::Status ToGrpcStatus(const Error& error) {
  const auto code = CodeOf(error.code);
  return {code, error.Text(), Details(error, code)};
}

std::optional<Error> ErrorByPeer(const grpc::Status& status) {
  if (status.ok()) return std::nullopt;
  const std::string info = Field(Field(status.error_details(), number::kStatusDetails), number::kAnyValue);
  if (Field(info, number::kErrorInfoDomain) != kDomain) return std::nullopt;
  return Error{CodeOf(status.error_code()), Metadata(info, "message"), Metadata(info, "hint")};
}

Error ErrorFromGrpcStatus(const grpc::Status& status) {
  if (auto error = ErrorByPeer(status)) return *error;
  return {CodeOf(status.error_code()), status.error_message(), {}};
}

}  // namespace tillwire
