// The outbox as capture sees it, answering on a thread of its own as the real one does.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "agent/capture_store.h"

namespace tillwire {

class FakeCaptureStore final : public CaptureStore {
 public:
  FakeCaptureStore() : thread_([this] { Run(); }) {}
  ~FakeCaptureStore() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      held_ = false;
    }
    wake_.notify_all();
    thread_.join();
  }
  FakeCaptureStore(const FakeCaptureStore&) = delete;
  FakeCaptureStore& operator=(const FakeCaptureStore&) = delete;

  void Capture(CaptureInput input, std::function<void(Result<Captured>)> done) override {
    Post([this, input = std::move(input), done = std::move(done)]() mutable {
      done(CaptureNow(std::move(input)));
    });
  }
  void CaptureInOrder(std::vector<CaptureInput> inputs,
                      std::function<void(std::vector<Result<Captured>>)> done) override {
    Post([this, inputs = std::move(inputs), done = std::move(done)]() mutable {
      std::vector<Result<Captured>> replies;
      for (auto& input : inputs) {
        const bool full = !replies.empty() && !replies.back().ok() &&
                          replies.back().error().code == ErrorCode::kResourceExhausted;
        replies.push_back(full ? replies.back() : CaptureNow(std::move(input)));
      }
      ++groups_;
      done(std::move(replies));
    });
  }
  void Requeue(const Uuid& event_id, std::function<void(Result<Outbox::Requeued>)> done) override {
    Post([this, event_id, done = std::move(done)] {
      if (failure_) return done(*failure_);
      if (parked_ != event_id)
        return done(Error{ErrorCode::kNotFound, "no event " + event_id.ToString(), "check the id"});
      done(Outbox::Requeued{7, kParkedReason});
    });
  }
  void RequeueAll(const std::string& reason,
                  std::function<void(Result<std::vector<Position>>)> done) override {
    Post([this, reason, done = std::move(done)] {
      if (failure_) return done(*failure_);
      done(reason == kParkedReason && std::exchange(parked_, std::nullopt) ? std::vector<Position>{7}
                                                                           : std::vector<Position>{});
    });
  }
  void Release(const Uuid& event_id, const std::string& cause,
               std::function<void(Result<Outbox::Requeued>)> done) override {
    Post([this, event_id, cause, done = std::move(done)] {
      if (failure_) return done(*failure_);
      if (parked_ != event_id)
        return done(Error{ErrorCode::kNotFound, "no event " + event_id.ToString(), "check the id"});
      release_cause_ = cause;
      done(Outbox::Requeued{7, kParkedReason});
    });
  }
  void SetPause(const std::optional<UplinkPause>& pause,
                std::function<void(Result<std::optional<UplinkPause>>)> done) override {
    Post([this, pause, done = std::move(done)] {
      if (failure_) return done(*failure_);
      done(std::exchange(pause_, pause));
    });
  }
  void Examine(const Uuid& event_id, std::function<void(Result<Examined>)> done) override {
    Find(event_id, [this, done = std::move(done)](const Result<EventView>& event) {
      if (!event) return done(event.error());
      Examined examined{*event, {}, status_.pending, status_.room, status_.trouble};
      for (const EventView& other : events_) {
        if (event->held_by == other.position) examined.holder = other;
      }
      done(examined);
    });
  }
  void Find(const Uuid& event_id, std::function<void(Result<EventView>)> done) override {
    Post([this, event_id, done = std::move(done)] {
      if (failure_) return done(*failure_);
      for (const EventView& event : events_) {
        if (event.event_id == event_id) return done(event);
      }
      done(Error{ErrorCode::kNotFound, "no event " + event_id.ToString(), "check the id"});
    });
  }
  // Pages of two.
  void List(const EventQuery& query, std::function<void(Result<EventPage>)> done) override {
    Post([this, query, done = std::move(done)] {
      if (failure_) return done(*failure_);
      EventPage page;
      page.at_end = true;
      for (const EventView& event : events_) {
        if (event.position <= query.after) continue;
        page.at_end = page.events.size() < 2;
        if (!page.at_end) break;
        page.events.push_back(event);
        page.scanned = event.position;
      }
      done(page);
    });
  }
  void LookAt(const std::vector<Position>& events, std::function<void(Result<Look>)> done) override {
    Post([this, events, done = std::move(done)] {
      if (failure_) return done(*failure_);
      Look look{status_, {}};
      for (const EventView& event : events_) {
        if (std::ranges::find(events, event.position) != events.end()) look.events.push_back(event);
      }
      done(look);
    });
  }
  void Status(std::function<void(Result<OutboxStatus>)> done) override {
    Post([this, done = std::move(done)] { done(failure_ ? Result<OutboxStatus>(*failure_) : status_); });
  }

  // From now on every call fails so, until Heal().
  void FailWith(Error failure) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
  }
  void Heal() {
    const std::lock_guard lock(mutex_);
    failure_.reset();
  }
  // Captures find no room once that many events are stored.
  void SetRoom(std::size_t events) {
    const std::lock_guard lock(mutex_);
    room_ = events;
  }
  // How many times CaptureInOrder() was answered.
  std::size_t Groups() {
    const std::lock_guard lock(mutex_);
    return groups_;
  }
  void SetParked(const Uuid& event_id) {
    const std::lock_guard lock(mutex_);
    parked_ = event_id;
  }
  void SetStatus(OutboxStatus status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
  }
  // What Find, List and LookAt know.
  void SetEvents(std::vector<EventView> events) {
    const std::lock_guard lock(mutex_);
    events_ = std::move(events);
  }
  [[nodiscard]] std::string ReleaseCause() {
    const std::lock_guard lock(mutex_);
    return release_cause_;
  }
  [[nodiscard]] std::optional<UplinkPause> NotedPause() {
    const std::lock_guard lock(mutex_);
    return pause_;
  }
  // Answers nothing until Release() without arguments.
  void Hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void Release() {
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
    }
    wake_.notify_all();
  }
  // Returns when that many calls came in, answered or not.
  void WaitForCalls(std::size_t count) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return calls_ >= count; });
  }
  // How many calls came in so far.
  std::size_t Calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  // What was stored.
  std::vector<CaptureInput> Stored() {
    const std::lock_guard lock(mutex_);
    return stored_;
  }

 private:
  // With the mutex held.
  Result<Captured> CaptureNow(CaptureInput input) {
    if (failure_) return *failure_;
    for (std::size_t i = 0; i < stored_.size(); ++i) {
      const auto& before = stored_[i];
      if (!input.idempotency || !before.idempotency || before.idempotency->key != input.idempotency->key)
        continue;
      if (before.idempotency->content != input.idempotency->content) {
        return Error{ErrorCode::kAlreadyExists, "the key was used for another event", "use another key"};
      }
      return Captured{before.event_id, {kEpoch, i + 1}, true};
    }
    for (const auto& before : stored_) {
      if (input.id_from_outside && before.event_id == input.event_id) {
        return Error{ErrorCode::kAlreadyExists, "the id is another event's", "leave it out"};
      }
    }
    if (stored_.size() >= room_) return Error{ErrorCode::kResourceExhausted, "the outbox is full", "wait"};
    stored_.push_back(std::move(input));
    return Captured{stored_.back().event_id, {kEpoch, stored_.size()}, false};
  }

  void Post(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      ++calls_;
    }
    wake_.notify_all();
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return !held_ && (stopping_ || !jobs_.empty()); });
      if (jobs_.empty()) return;
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      job();
    }
  }

  static constexpr std::uint64_t kEpoch = 0xE0'0000'0000'0001;
  static constexpr const char* kParkedReason = "TOO_MANY_LINES";

  std::recursive_mutex mutex_;  // what is answered may ask again
  std::condition_variable_any wake_;
  std::deque<std::function<void()>> jobs_;
  std::size_t calls_ = 0;
  std::size_t groups_ = 0;
  std::size_t room_ = std::numeric_limits<std::size_t>::max();
  std::vector<CaptureInput> stored_;
  OutboxStatus status_;
  std::optional<Error> failure_;
  std::optional<Uuid> parked_;
  std::vector<EventView> events_;
  std::string release_cause_;
  std::optional<UplinkPause> pause_;
  bool stopping_ = false;
  bool held_ = false;
  std::thread thread_;  // last, so that it starts when the rest stands
};

}  // namespace tillwire
