#include "agent/spool/spool_codec.h"

#include <utility>

#include "proto/event_codec.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {

Result<SuppliedCapture> DecodeSpoolFile(std::string_view json) {
  v1::CaptureEventRequest wire;
  if (auto parsed = ParseJson(json, wire); !parsed) return parsed.error();
  auto request = DecodeCaptureRequest(wire);
  if (!request) return request.error();
  return SuppliedCapture{std::move(request).value(), CaptureContentHash(wire)};
}

}  // namespace tillwire
