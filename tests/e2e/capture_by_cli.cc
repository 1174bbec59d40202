#include "tests/e2e/capture_by_cli.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/e2e/programs.h"
#include "tests/support/process.h"

namespace tillwire {
namespace {

ErrorCode CodeOf(const ExitStatus& status) {
  switch (status.code) {
    case 1:
      return ErrorCode::kFailedPrecondition;
    case 2:
      return ErrorCode::kInvalidArgument;
    case 3:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kUnknown;
  }
}

std::string ToJsonText(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
      !status.ok()) {
    throw std::runtime_error("cannot write a request as JSON: " + status.ToString());
  }
  return json;
}

}  // namespace

Result<CaptureReply> CaptureByCli(const std::filesystem::path& socket,
                                  const v1::CaptureEventRequest& request) {
  const std::string command = request.has_order_cancellation() ? "cancel" : "clear-bin";
  v1::CaptureEventRequest without_source = request;
  without_source.clear_source();
  const CommandOutcome outcome = RunCommand(
      kTillwireProgram, {command, "--socket", socket.string(), "--json", "-"}, ToJsonText(without_source));
  if (!outcome.status.Clean()) {
    return Error{CodeOf(outcome.status), outcome.output + outcome.errors, ""};
  }
  const auto answer = nlohmann::json::parse(outcome.output, nullptr, false);
  if (answer.value("outcome", "") != "recorded") {
    return Error{ErrorCode::kUnknown, "tillwire did not say \"recorded\" in JSON: " + outcome.output, ""};
  }
  return CaptureReply{answer["event_id"],
                      {std::stoull(answer["epoch"].get<std::string>(), nullptr, 16),
                       std::stoull(answer["sequence"].get<std::string>())},
                      answer["repeated"]};
}

}  // namespace tillwire
