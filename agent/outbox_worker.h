// The storage thread: the only one that touches the outbox, and what the other threads ask it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "agent/capture_store.h"
#include "core/clock.h"
#include "storage/group_commit.h"
#include "storage/outbox.h"
#include "storage/timed_store.h"

namespace tillwire {

// Any thread may call. What waits while a commit is under way shares the next one.
class OutboxWorker final : public CaptureStore {
 public:
  // `outbox`, `clock` and `metrics` outlive it. `on_reopened` is called on the storage thread when the outbox
  // was opened anew after its disk failed: what was known of pending events counts no more. `on_changed` (may
  // be empty) is told, on the storage thread, which events were captured, put back into the queue or given
  // up; of none when a pause began or ended, or the stage of the room or the health of the disk changed.
  OutboxWorker(Outbox& outbox, const Clock& clock, CommitMetrics& metrics, CommitProbe probe,
               std::function<void()> on_reopened,
               std::function<void(const std::vector<Position>&)> on_changed = {});
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
    commits_.Submit({[this, reply, question = std::move(question)] { *reply = question(outbox_); },
                     [this, reply, answer = std::move(answer)](const Result<void>& committed) {
                       NoteCommitted(committed);
                       answer(committed ? Result<T>(std::move(**reply))
                                        : Result<T>(Named(committed.error())));
                     }});
  }

  // The last position whose commit is durable.
  [[nodiscard]] Position LastPosition() const { return last_position_; }
  // Finishes what was asked, then refuses, and syncs the high-water mark.
  void Stop();

 private:
  // In the transaction: that is one record more in it, if it was stored.
  void NoteStored(const Result<Captured>& reply);
  // Capturing is over and durable up to this position.
  void NoteCaptured(Position last);

  // For a question whose answer can be an expected failure.
  template <typename T>
  void AskFor(std::function<Result<T>(Outbox&)> question, std::function<void(Result<T>)> answer) {
    Ask<Result<T>>(std::move(question), [answer = std::move(answer)](Result<Result<T>> result) {
      answer(result ? std::move(*result) : Result<T>(result.error()));
    });
  }
  void Changed(const std::vector<Position>& events) const;
  void SyncMarkWhenWritten();
  void NoteCommitted(const Result<void>& committed);
  void LogRoom();
  void LogTrouble();
  // With the outbox named in it.
  [[nodiscard]] Error Named(Error error) const;

  Outbox& outbox_;
  std::atomic<Position> last_position_;
  const std::function<void()> on_reopened_;
  const std::function<void(const std::vector<Position>&)> on_changed_;
  // On the storage thread.
  RoomStage logged_stage_ = RoomStage::kPlenty;
  std::string logged_trouble_;
  std::uint64_t openings_ = 0;

  // The high-water mark is synced on a thread of its own, at most once a second, off the capture path.
  std::mutex mark_mutex_;
  std::condition_variable mark_wake_;
  bool mark_written_ = false;
  bool stopping_ = false;
  std::thread mark_thread_;

  TimedStore timed_;
  GroupCommit commits_;
};

}  // namespace tillwire
