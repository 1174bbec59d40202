// How the agent stands, in one line for people: what the service manager shows.
#pragma once

#include <string>

#include "agent/uplink/uplink_status.h"
#include "core/result.h"
#include "storage/outbox.h"

namespace tillwire {

// "connected to host:7400; 3 pending, 1 parked", or what stands in the way.
std::string StatusLine(const UplinkStatus& uplink, const Result<OutboxStatus>& outbox);

}  // namespace tillwire
