// What must hold of every capture, whichever way it came in.
#pragma once

#include <string>

#include "agent/capture/capture_intake.h"

namespace tillwire::v1 {
class CaptureEventRequest;
}  // namespace tillwire::v1

namespace tillwire::fuzz {

// Written as JSON and read again, it is the same request.
void CheckJsonRoundTrip(const v1::CaptureEventRequest& wire);
// Offers it as from the socket: it is refused with a reason, or its event is one that the centre takes.
void CheckFromSocket(const SuppliedCapture& supplied);
// Likewise as from a spool file. Whether it was taken.
Result<void> CheckFromSpool(const SuppliedCapture& supplied, const std::string& key);

}  // namespace tillwire::fuzz
