// Event ids as people type them: whole, or by their beginning.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/result.h"

namespace tillwire {

class AgentTransport;

// The event's whole id. A beginning of eight digits or more is looked up at the agent: kNotFound if no event
// begins so, kInvalidArgument if several do. Anything else is given back as it is, for the agent to judge.
Result<std::string> WholeEventId(AgentTransport& agent, const std::string& given);

// EVENT, the argument of a command.
CLI::Option* AddEventArgument(CLI::App& app, std::string& event_id);

}  // namespace tillwire
