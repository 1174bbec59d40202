// The agent's account of itself, for GetAgentStatus.
#pragma once

#include "agent/spool_status.h"
#include "agent/uplink/uplink_status.h"
#include "core/clock.h"
#include "storage/outbox.h"

namespace tillwire {

namespace v1 {
class GetAgentStatusResponse;
}  // namespace v1

// Fills in connection, outbox and spool; the names of store and terminal are the caller's to add. `now` is
// for ages.
void EncodeAgentStatus(const OutboxStatus& outbox, const UplinkStatus& uplink, const SpoolStatus& spool,
                       WallTime now, v1::GetAgentStatusResponse& wire);

}  // namespace tillwire
