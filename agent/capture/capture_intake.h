// From what a caller supplied to an event that can be stored: the same way for the socket and for the spool.
#pragma once

#include <optional>
#include <string>

#include "core/clock.h"
#include "core/event.h"
#include "core/hash.h"
#include "core/result.h"
#include "core/rng.h"
#include "core/uuid.h"
#include "storage/outbox.h"

namespace tillwire {

// What every event of this agent carries.
struct AgentIdentity {
  std::string store_id;
  std::string terminal_id;
  std::string boot_id;
};

// What a caller supplied.
struct SuppliedCapture {
  CaptureRequest request;
  Hash content;  // CaptureContentHash() of it
};

// Any thread may call.
class CaptureIntake {
 public:
  // Both must outlive the intake.
  CaptureIntake(const Clock& clock, Rng& rng, AgentIdentity identity);

  // Checks a request and makes the event of it: under an id that follows from its idempotency key and
  // occur_time (core/derived_event_id.h) where it has both, else under a new one. `content` is
  // CaptureContentHash() of the request as it came. kInvalidArgument names the field and the remedy.
  Result<CaptureInput> FromSocket(CaptureRequest request, const Hash& content);
  // Likewise for a request from a spool file, which may bring its event id and its time along. A request
  // without an idempotency key gets `key`: a file that is met again must not become a second event.
  Result<CaptureInput> FromSpool(CaptureRequest request, const Hash& content, const std::string& key);

 private:
  Result<CaptureInput> MakeInput(CaptureRequest request, const Hash& content, std::optional<Uuid> event_id);

  const Clock& clock_;
  UuidGenerator uuids_;
  const AgentIdentity identity_;
};

}  // namespace tillwire
