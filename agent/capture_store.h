// What capture asks of the outbox, and who answers when. The seam between the socket and the storage thread.
#pragma once

#include <functional>
#include <vector>

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
  // Several at once, in their order, in one commit. `done` gets an outcome for each. Where one can't be
  // stored for want of room, none behind it is: it gets the same error, so that no event overtakes another of
  // its lane.
  virtual void CaptureInOrder(std::vector<CaptureInput> inputs,
                              std::function<void(std::vector<Result<Captured>>)> done) = 0;
  virtual void Requeue(const Uuid& event_id, std::function<void(Result<Outbox::Requeued>)> done) = 0;
  virtual void Status(std::function<void(Result<OutboxStatus>)> done) = 0;
};

}  // namespace tillwire
