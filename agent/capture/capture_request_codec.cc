#include "agent/capture/capture_request_codec.h"

#include <utility>

#include "proto/event_codec.h"
#include "proto/utf8_check.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {

Result<SuppliedCapture> DecodeCaptureBytes(const std::string& bytes, const std::string& traceparent) {
  v1::CaptureEventRequest wire;
  if (!wire.ParseFromString(bytes)) {
    if (const auto field = FindInvalidUtf8(bytes, *v1::CaptureEventRequest::descriptor())) {
      return Error{ErrorCode::kInvalidArgument, *field + " is not valid UTF-8", "send text as UTF-8"};
    }
    return Error{ErrorCode::kInvalidArgument, "the request is no CaptureEventRequest",
                 "send one as in tillwire/v1/capture.proto"};
  }
  if (wire.traceparent().empty()) wire.set_traceparent(traceparent);
  auto request = DecodeCaptureRequest(wire);
  if (!request) return request.error();
  return SuppliedCapture{std::move(request).value(), CaptureContentHash(wire)};
}

}  // namespace tillwire
