#include <string>

#include "agent/capture/capture_request_codec.h"
#include "proto/event_codec.h"
#include "proto/utf8_check.h"
#include "tests/fuzz/capture_check.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/targets.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire::fuzz {

void FuzzCaptureProto(std::string_view input) {
  const std::string bytes(input);
  const auto supplied = DecodeCaptureBytes(bytes, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const auto not_utf8 = FindInvalidUtf8(bytes, *v1::CaptureEventRequest::descriptor());
  if (!supplied) return ExpectRefusal(supplied.error());
  Expect(!not_utf8, "what protobuf takes has no text that is not UTF-8, found: " + not_utf8.value_or(""));

  // What is supplied survives its own codec.
  v1::CaptureEventRequest wire;
  EncodeCaptureRequest(supplied->request, wire);
  const auto again = DecodeCaptureBytes(wire.SerializeAsString(), "");
  Expect(again.ok(), "a request that was read and written can be read");
  v1::CaptureEventRequest wire_again;
  EncodeCaptureRequest(again->request, wire_again);
  Expect(CaptureContentHash(wire) == CaptureContentHash(wire_again), "and has the same content");
  CheckJsonRoundTrip(wire);
  CheckFromSocket(*supplied);
  (void)CheckFromSpool(*supplied, "key");
}

}  // namespace tillwire::fuzz
