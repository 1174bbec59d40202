#include "agent/status_line.h"

namespace tillwire {
namespace {

std::string Connection(const UplinkStatus& uplink) {
  switch (uplink.state) {
    case UplinkState::kConnected:
      return "connected to " + uplink.server;
    case UplinkState::kPushedBack:
      return "asked to wait by " + uplink.server;
    case UplinkState::kPaused:
      return "held back by an operator from " + uplink.server;
    case UplinkState::kConnecting:
    case UplinkState::kWaiting:
      break;
  }
  return "not connected to " + uplink.server +
         (uplink.last_error.empty() ? "" : " (" + uplink.last_error + ")");
}

}  // namespace

std::string StatusLine(const UplinkStatus& uplink, const Result<OutboxStatus>& outbox) {
  std::string line = Connection(uplink) + "; ";
  if (!outbox) return line + "the outbox can't be used: " + outbox.error().Text();
  line += std::to_string(outbox->pending) + " pending, " + std::to_string(outbox->parked) + " parked";
  if (outbox->lost > 0) line += ", " + std::to_string(outbox->lost) + " lost";
  if (outbox->trouble) return line + "; captures are refused: " + outbox->trouble->message;
  if (outbox->room.stage >= RoomStage::kBinClearsRefused) line += "; " + outbox->room.Reason();
  return line;
}

}  // namespace tillwire
