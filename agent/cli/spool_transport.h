// The command's way to record a capture while the agent is down: a file in the agent's spool.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/result.h"
#include "platform/file_descriptor.h"
#include "platform/spool_folder.h"

namespace tillwire {

namespace v1 {
class CaptureEventRequest;
}  // namespace v1

// A capture that is on disk and waits for the agent.
struct Spooled {
  std::string event_id;  // empty where a file that somebody dropped waits, and the agent will name the event
  std::filesystem::path path;
  bool repeated = false;  // this key waits there already: the first capture is named, and nothing was written
};

class SpoolTransport {
 public:
  // Opens the spool in `directory`, and holds its decision lock as long as this object lives. The caller
  // looks for the agent after that, and writes only if there is none; platform/spool_folder.h says why. With
  // an agent that answers the object must go before a capture is sent, since the agent waits for the lock.
  static Result<SpoolTransport> Open(const std::filesystem::path& directory);

  // Checks the request by the agent's rules, gives it its event id (which follows from its key and time, as
  // the agent has it) and its time, and writes it; it is synced when this returns. kInvalidArgument and
  // kAlreadyExists as the agent says them. kResourceExhausted, kUnavailable: nothing was recorded. kUnknown:
  // the disk failed at the last step.
  Result<Spooled> CaptureEvent(const v1::CaptureEventRequest& request);

 private:
  SpoolTransport(SpoolFolder folder, FileDescriptor lock)
      : folder_(std::move(folder)), decision_lock_(std::move(lock)), owner_(folder_.Owner()) {}

  // The file that holds this key already; kAlreadyExists if its content is another.
  [[nodiscard]] Result<std::optional<Spooled>> FindRepeat(const SpoolListing& waiting,
                                                          const v1::CaptureEventRequest& request) const;

  SpoolFolder folder_;
  FileDescriptor decision_lock_;
  std::optional<SpoolOwner> owner_;
};

// The file in the spool that is this event, waiting or set aside: its id stands in it, or follows from it.
Result<std::optional<SpooledFile>> FindInSpool(const std::filesystem::path& directory,
                                               const std::string& event_id);

}  // namespace tillwire
