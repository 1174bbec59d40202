#include <string>

#include "agent/spool/spool_codec.h"
#include "proto/json_codec.h"
#include "tests/fuzz/capture_check.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/targets.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire::fuzz {

void FuzzCaptureJson(std::string_view input) {
  v1::CaptureEventRequest wire;
  const auto parsed = ParseJson(input, wire);
  const auto supplied = DecodeSpoolFile(input);
  if (!parsed) {
    ExpectRefusal(parsed.error());
    Expect(!supplied.ok(), "a spool file is read like other JSON");
    return;
  }
  CheckJsonRoundTrip(wire);
  if (!supplied) return ExpectRefusal(supplied.error());
  CheckFromSocket(*supplied);
  (void)CheckFromSpool(*supplied, "key");
}

}  // namespace tillwire::fuzz
