// Checks the whole outbox of an agent that does not run.
#pragma once

#include <filesystem>

#include "core/clock.h"
#include "core/result.h"
#include "core/rng.h"
#include "storage/outbox_verification.h"

namespace tillwire {

// Takes the owner lock meanwhile, and changes nothing else. An outbox that can't be opened because it is
// damaged is a finding. Errors as StoppedOutbox::Open() has them; kUnavailable: the disk can't be read.
Result<Verification> VerifyOutbox(const std::filesystem::path& directory, const Clock& clock, Rng& rng);

}  // namespace tillwire
