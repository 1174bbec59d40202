// The outbox of an agent that does not run, opened to be read. Nothing on its disk changes but, where that
// can be written, the owner lock: what is changed on the Outbox lives in memory, and ends with this object.
#pragma once

#include <filesystem>
#include <memory>

#include "core/clock.h"
#include "core/result.h"
#include "core/rng.h"
#include "storage/outbox.h"
#include "storage/overlay_vfs.h"

namespace tillwire {

// Used by one thread.
class StoppedOutbox {
 public:
  // Takes the owner lock, so that no agent starts on it meanwhile. The directory may be of another machine,
  // and on a file system that is read-only. kFailedPrecondition: an agent runs, which is named, or the schema
  // is newer; kNotFound: there is no outbox. Else as Outbox::Open(). `clock` and `rng` outlive it.
  static Result<std::unique_ptr<StoppedOutbox>> Open(const std::filesystem::path& directory,
                                                     const Clock& clock, Rng& rng);

  [[nodiscard]] Outbox& Get() { return *outbox_; }

 private:
  StoppedOutbox() = default;

  OverlayVfs overlay_;
  std::unique_ptr<Outbox> outbox_;  // stands on the overlay
};

}  // namespace tillwire
