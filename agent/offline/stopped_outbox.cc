#include "agent/offline/stopped_outbox.h"

#include <utility>

#include "storage/database_replacement.h"

namespace tillwire {

Result<std::unique_ptr<StoppedOutbox>> StoppedOutbox::Open(const std::filesystem::path& directory,
                                                           const Clock& clock, Rng& rng) {
  // On the overlay a file that is absent would be made, and be empty.
  if (!DatabaseReplacement::Stands(directory / kOutboxFile)) {
    return Error{
        ErrorCode::kNotFound,
        "there is no outbox in " + directory.string() + " (no " + kOutboxFile + " that can be seen)",
        "name the outbox.directory of the terminal's configuration, and run as a user who may read it"};
  }
  std::unique_ptr<StoppedOutbox> stopped(new StoppedOutbox);
  OutboxOptions options;
  options.directory = directory;
  options.database.vfs = stopped->overlay_.Name();
  options.program = "tillwire";
  options.only_reads = true;
  auto outbox = Outbox::Open(options, clock, rng);
  if (!outbox) return outbox.error();
  stopped->outbox_ = std::move(*outbox);
  return stopped;
}

}  // namespace tillwire
