#include "agent/capture/event_watch_stream.h"

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "agent/capture/outbox_event_codec.h"
#include "core/interval_set.h"
#include "proto/grpc_error.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

// Changes within this time come as one update.
constexpr std::chrono::milliseconds kLeastInterval{250};
// Beyond so many changed events in one update a screen is told their number only.
constexpr std::uint64_t kMaxEvents = 256;

// At most one read of the outbox or one write to the caller is under way. Keeps itself alive until gRPC is
// done with it; a read that is under way may keep it longer.
class EventWatch final : public grpc::ServerWriteReactor<v1::WatchEventsResponse>,
                         public std::enable_shared_from_this<EventWatch> {
 public:
  EventWatch(const EventWatchParts& parts, bool include_events)
      : parts_(parts), include_events_(include_events) {}

  void Start() {
    self_ = shared_from_this();
    call_ = parts_.calls.Add([weak = weak_from_this()] {
      if (const auto open = weak.lock()) {
        open->End(ToGrpcStatus({ErrorCode::kUnavailable, "the agent is stopping", "watch anew"}));
      }
    });
    subscription_ = parts_.changes.Subscribe([weak = weak_from_this()](const std::vector<Position>& events) {
      if (const auto open = weak.lock()) open->Note(events);
    });
    Note({});
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End({grpc::StatusCode::CANCELLED, "the caller is gone"});
    WriteNext();
  }

  void OnCancel() override { End({grpc::StatusCode::CANCELLED, "the caller is gone"}); }

  void OnDone() override {
    parts_.changes.Unsubscribe(subscription_);
    parts_.calls.Remove(call_);
    const auto last = std::move(self_);
  }

 private:
  // Something changed. Reading waits for its time on a thread of gRPC's, so that whoever publishes is never
  // kept.
  void Note(const std::vector<Position>& events) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    stale_ = true;
    if (include_events_) {
      for (const Position position : events) {
        if (changed_.Count() < kMaxEvents) {
          changed_.Add({position, position});
        } else if (!changed_.Contains(position)) {
          ++uncounted_;
        }
      }
    }
    if (!busy_) Schedule();
  }

  // With the lock held.
  void Schedule() {
    busy_ = true;
    // What is due is told by a clock that does not step; an alarm wants the other.
    const auto wait = std::max(last_read_ + kLeastInterval - steady_clock::now(), steady_clock::duration(0));
    // The alarm keeps what it is given until it is set anew or goes: were that the watch itself, neither
    // would go.
    alarm_.Set(system_clock::now() + std::chrono::duration_cast<system_clock::duration>(wait),
               [weak = weak_from_this()](bool) {
                 if (const auto watch = weak.lock()) watch->Read();
               });
  }

  void Read() {
    std::vector<Position> positions;
    std::uint64_t skipped = 0;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      last_read_ = steady_clock::now();
      stale_ = false;
      if (uncounted_ > 0) {
        skipped = changed_.Count() + uncounted_;
      } else {
        for (const auto& [first, last] : changed_.Ranges()) {
          for (Position position = first; position <= last; ++position) positions.push_back(position);
        }
      }
      changed_ = {};
      uncounted_ = 0;
    }
    parts_.store.LookAt(
        positions, [self = shared_from_this(), skipped](const Result<CaptureStore::Look>& look) {
          if (!look) return self->End(ToGrpcStatus(look.error()));
          if (self->Ended()) return;  // the service may be gone by now
          self->parts_.encode_status(look->status, *self->updates_.emplace_back().mutable_status());
          if (skipped > 0) self->updates_.emplace_back().set_skipped_events(skipped);
          for (const EventView& event : look->events) {
            EncodeOutboxEvent(event, *self->updates_.emplace_back().mutable_event());
          }
          self->WriteNext();
        });
  }

  [[nodiscard]] bool Ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

  void WriteNext() {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    if (updates_.empty()) {
      busy_ = false;
      if (stale_) Schedule();
      return;
    }
    writing_ = std::move(updates_.front());
    updates_.pop_front();
    StartWrite(&writing_);
  }

  void End(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
    alarm_.Cancel();
    Finish(status);
  }

  const EventWatchParts parts_;
  const bool include_events_;
  OpenCalls::Call call_ = 0;
  ChangeFeed::Subscription subscription_ = 0;
  std::deque<v1::WatchEventsResponse> updates_;  // of one read; touched only while busy
  v1::WatchEventsResponse writing_;

  std::mutex mutex_;
  grpc::Alarm alarm_;
  IntervalSet changed_;          // at most kMaxEvents
  std::uint64_t uncounted_ = 0;  // changes beyond them
  bool stale_ = false;
  bool busy_ = false;
  bool ended_ = false;
  steady_clock::time_point last_read_;
  std::shared_ptr<EventWatch> self_;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchEventsResponse>* StartEventWatch(const EventWatchParts& parts,
                                                                   const v1::WatchEventsRequest& request) {
  const auto watch = std::make_shared<EventWatch>(parts, request.include_events());
  watch->Start();
  return watch.get();
}

}  // namespace tillwire
