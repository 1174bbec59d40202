// What is asked of the outbox, all of it on the one thread that touches it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "agent/capture_store.h"
#include "core/clock.h"
#include "storage/group_committer.h"
#include "storage/outbox.h"
#include "storage/timed_store.h"

namespace tillwire {

// Any thread may call. What waits while a commit is under way shares the next one.
class OutboxWorker final : public CaptureStore {
 public:
  // Makes the queue that its jobs go through: in the agent a GroupCommit, whose thread is then the storage
  // thread.
  using MakeQueue = std::function<std::unique_ptr<CommitQueue>(Transactional& store)>;
  // Who is told what, on the storage thread. Each may be empty.
  struct Notices {
    // The outbox was opened anew after its disk failed: what was known of pending events counts no more.
    std::function<void()> reopened;
    // Which events were captured, put back into the queue or given up; none when a pause began or ended, or
    // the stage of the room or the health of the disk changed.
    std::function<void(const std::vector<Position>&)> changed;
    // Captures were refused for want of room.
    std::function<void()> no_room;
    // The high-water mark may have been written: somebody must sync it, off this thread.
    std::function<void()> mark_written;
  };

  // `outbox`, `clock` and `metrics` outlive it.
  OutboxWorker(Outbox& outbox, const Clock& clock, CommitMetrics& metrics, const MakeQueue& make_queue,
               Notices notices);
  ~OutboxWorker() override;
  OutboxWorker(const OutboxWorker&) = delete;
  OutboxWorker& operator=(const OutboxWorker&) = delete;

  void Capture(CaptureInput input, std::function<void(Result<Captured>)> done) override;
  void CaptureInOrder(std::vector<CaptureInput> inputs,
                      std::function<void(std::vector<Result<Captured>>)> done) override;
  void Requeue(const Uuid& event_id, std::function<void(Result<Outbox::Requeued>)> done) override;
  void RequeueAll(const std::string& reason,
                  std::function<void(Result<std::vector<Position>>)> done) override;
  void Release(const Uuid& event_id, const std::string& cause,
               std::function<void(Result<Outbox::Requeued>)> done) override;
  void SetPause(const std::optional<UplinkPause>& pause,
                std::function<void(Result<std::optional<UplinkPause>>)> done) override;
  void Find(const Uuid& event_id, std::function<void(Result<EventView>)> done) override;
  void Examine(const Uuid& event_id, std::function<void(Result<Examined>)> done) override;
  void List(const EventQuery& query, std::function<void(Result<EventPage>)> done) override;
  void LookAt(const std::vector<Position>& events, std::function<void(Result<Look>)> done) override;
  void Status(std::function<void(Result<OutboxStatus>)> done) override;

  // Runs `question` in a transaction on the storage thread, then `answer`, on that thread too, once it is
  // durable.
  template <typename T>
  void Ask(std::function<T(Outbox&)> question, std::function<void(Result<T>)> answer) {
    auto reply = std::make_shared<std::optional<T>>();
    commits_->Submit({[this, reply, question = std::move(question)] { *reply = question(outbox_); },
                      [this, reply, answer = std::move(answer)](const Result<void>& committed) {
                        NoteCommitted(committed);
                        answer(committed ? Result<T>(std::move(**reply))
                                         : Result<T>(Named(committed.error())));
                      }});
  }

  // The last position whose commit is durable.
  [[nodiscard]] Position LastPosition() const { return last_position_; }
  // Finishes what was asked, then refuses.
  void Stop();

 private:
  // In the transaction: that is one record more in it, if it was stored.
  void NoteStored(const Result<Captured>& reply);
  // Capturing is over and durable up to this position.
  void NoteCaptured(Position last);
  void NoteRefused(const Result<Captured>& reply) const;

  // For a question whose answer can be an expected failure.
  template <typename T>
  void AskFor(std::function<Result<T>(Outbox&)> question, std::function<void(Result<T>)> answer) {
    Ask<Result<T>>(std::move(question), [answer = std::move(answer)](Result<Result<T>> result) {
      answer(result ? std::move(*result) : Result<T>(result.error()));
    });
  }
  void Changed(const std::vector<Position>& events) const;
  void NoteCommitted(const Result<void>& committed);
  void LogRoom();
  void LogTrouble();
  // With the outbox named in it.
  [[nodiscard]] Error Named(Error error) const;

  Outbox& outbox_;
  std::atomic<Position> last_position_;
  const Notices notices_;
  // On the storage thread.
  RoomStage logged_stage_ = RoomStage::kPlenty;
  std::string logged_trouble_;
  std::uint64_t openings_ = 0;

  TimedStore timed_;
  const std::unique_ptr<CommitQueue> commits_;
};

}  // namespace tillwire
