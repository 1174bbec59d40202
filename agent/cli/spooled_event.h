// An event that the agent does not have: it may lie in its spool, waiting or set aside.
#pragma once

#include <optional>
#include <string>

namespace tillwire {

class AgentTransport;
struct ConnectionOptions;

namespace v1 {
class ExplainEventResponse;
}  // namespace v1

// Looks for the event, whose id is whole, in the spool that the user named, or in that of `agent` where there
// is one. What was supplied is in `event`, and why it is not recorded in the only explanation. Nothing where
// it is not there, or the user may not look.
std::optional<v1::ExplainEventResponse> FindSpooledEvent(const ConnectionOptions& connection,
                                                         AgentTransport* agent, const std::string& event_id);

}  // namespace tillwire
