// The moments at which a crash of the centre is most telling. A crash test watches them; in production nobody
// does.
#pragma once

#include <functional>

namespace tillwire {

// Before a Welcome is sent; before and in a commit; when a batch is on disk and not answered yet.
enum class CentrePhase { kBeforeWelcome, kBeforeCommit, kInCommit, kBeforeAnswer };

// Called on whatever thread enters the phase; must not block.
using CentreProbe = std::function<void(CentrePhase)>;

}  // namespace tillwire
