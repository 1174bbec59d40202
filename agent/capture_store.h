// What callers of the socket ask of the outbox, and who answers when. The seam between the socket and the
// storage thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
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
  // The first of them, at most Outbox::kRequeuePage; nothing when there are no more.
  virtual void RequeueAll(const std::string& reason,
                          std::function<void(Result<std::vector<Position>>)> done) = 0;
  virtual void Release(const Uuid& event_id, const std::string& cause,
                       std::function<void(Result<Outbox::Requeued>)> done) = 0;
  // Notes a pause of the uplink, or its end. Answers what had been noted before.
  virtual void SetPause(const std::optional<UplinkPause>& pause,
                        std::function<void(Result<std::optional<UplinkPause>>)> done) = 0;

  virtual void Find(const Uuid& event_id, std::function<void(Result<EventView>)> done) = 0;
  // An event with what it stands behind, at one moment.
  struct Examined {
    EventView event;
    std::optional<EventView> holder;  // the event of event.held_by
    std::uint64_t pending = 0;        // in the whole outbox
    OutboxRoom room;
    std::optional<Error> trouble;  // with the disk
  };
  virtual void Examine(const Uuid& event_id, std::function<void(Result<Examined>)> done) = 0;
  virtual void List(const EventQuery& query, std::function<void(Result<EventPage>)> done) = 0;
  // The status and those of the events that are still there, at one moment.
  struct Look {
    OutboxStatus status;
    std::vector<EventView> events;
  };
  virtual void LookAt(const std::vector<Position>& events, std::function<void(Result<Look>)> done) = 0;
  virtual void Status(std::function<void(Result<OutboxStatus>)> done) = 0;
};

}  // namespace tillwire
