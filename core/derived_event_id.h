// Event ids that follow from what the caller said: docs/wire-protocol.md, "Derived event ids".
#pragma once

#include <string_view>

#include "core/clock.h"
#include "core/uuid.h"

namespace tillwire {

// The id of the action that a caller of this terminal named by an idempotency key and the time at which it
// happened: a UUIDv8 that begins with that time's milliseconds, as a UUIDv7 does, and goes on with a hash of
// all four. Whoever captures the same action, be it another copy of the outbox, gives it the same id.
Uuid DerivedEventId(std::string_view store_id, std::string_view terminal_id, std::string_view key,
                    WallTime occur_time);

}  // namespace tillwire
