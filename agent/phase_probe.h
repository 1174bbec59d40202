// The moments at which a crash is most telling. A crash test watches them; in production nobody does.
#pragma once

#include <functional>

namespace tillwire {

enum class AgentPhase { kBeforeCommit, kInCommit, kBeforeReply, kSending, kMarking };

// Called on whatever thread enters the phase; must not block.
using PhaseProbe = std::function<void(AgentPhase)>;

}  // namespace tillwire
