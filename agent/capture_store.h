// What capture asks of the outbox, and who answers when. The seam between the socket and the storage thread.
#pragma once

#include <functional>

#include "core/result.h"
#include "core/uuid.h"
#include "storage/outbox.h"

namespace tillwire {

// Any thread may call; `done` is called exactly once, on the storage thread or, when the store has stopped,
// at once.
class CaptureStore {
 public:
  virtual ~CaptureStore() = default;
  // `done` is called after the commit that holds the event is synced.
  virtual void Capture(CaptureInput input, std::function<void(Result<Captured>)> done) = 0;
  virtual void Requeue(const Uuid& event_id, std::function<void(Result<Outbox::Requeued>)> done) = 0;
  virtual void Status(std::function<void(Result<OutboxStatus>)> done) = 0;
};

}  // namespace tillwire
