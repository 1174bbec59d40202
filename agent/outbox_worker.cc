#include "agent/outbox_worker.h"

#include <spdlog/spdlog.h>

#include <chrono>

namespace tillwire {
namespace {

constexpr std::chrono::seconds kMarkSyncInterval{1};

}  // namespace

OutboxWorker::OutboxWorker(Outbox& outbox, CommitProbe probe, std::function<void()> on_failed)
    : outbox_(outbox),
      last_position_(outbox.LastPosition()),
      on_failed_(std::move(on_failed)),
      mark_thread_([this] { SyncMarkWhenWritten(); }),
      commits_(outbox, GroupCommit::kDefaultMaxGroup, std::move(probe)) {}

OutboxWorker::~OutboxWorker() {
  Stop();
}

void OutboxWorker::Capture(CaptureInput input, std::function<void(Result<Captured>)> done) {
  // Shared, because std::function must be copyable.
  auto reply = std::make_shared<std::optional<Result<Captured>>>();
  auto position = std::make_shared<Position>(0);
  commits_.Submit({[this, reply, position, input = std::move(input)] {
                     *reply = outbox_.Capture(input);
                     *position = outbox_.LastPosition();
                   },
                   [this, reply, position, done = std::move(done)](const Result<void>& committed) {
                     CheckFailed(committed);
                     if (!committed) {
                       done(committed.error());
                       return;
                     }
                     NoteCaptured(*position);
                     done(std::move(**reply));
                   }});
}

void OutboxWorker::CaptureInOrder(std::vector<CaptureInput> inputs,
                                  std::function<void(std::vector<Result<Captured>>)> done) {
  auto replies = std::make_shared<std::vector<Result<Captured>>>();
  auto position = std::make_shared<Position>(0);
  const std::size_t count = inputs.size();
  commits_.Submit({[this, replies, position, inputs = std::move(inputs)] {
                     replies->clear();
                     for (const CaptureInput& input : inputs) {
                       const bool full = !replies->empty() && !replies->back().ok() &&
                                         replies->back().error().code == ErrorCode::kResourceExhausted;
                       replies->push_back(full ? replies->back() : outbox_.Capture(input));
                     }
                     *position = outbox_.LastPosition();
                   },
                   [this, replies, position, count, done = std::move(done)](const Result<void>& committed) {
                     CheckFailed(committed);
                     if (!committed) {
                       done(std::vector<Result<Captured>>(count, committed.error()));
                       return;
                     }
                     NoteCaptured(*position);
                     done(std::move(*replies));
                   }});
}

void OutboxWorker::NoteCaptured(Position last) {
  last_position_ = last;
  {
    const std::lock_guard lock(mark_mutex_);
    mark_written_ = true;
  }
  mark_wake_.notify_one();
}

void OutboxWorker::Requeue(const Uuid& event_id, std::function<void(Result<Outbox::Requeued>)> done) {
  Ask<Result<Outbox::Requeued>>([event_id](Outbox& outbox) { return outbox.Requeue(event_id); },
                                [done = std::move(done)](Result<Result<Outbox::Requeued>> result) {
                                  done(result ? *result : Result<Outbox::Requeued>(result.error()));
                                });
}

void OutboxWorker::Status(std::function<void(Result<OutboxStatus>)> done) {
  Ask<OutboxStatus>([](Outbox& outbox) { return outbox.Status(); }, std::move(done));
}

void OutboxWorker::CheckFailed(const Result<void>& committed) {
  if (committed || !on_failed_ || !commits_.Failed()) return;
  std::call_once(failed_once_, [&] {
    spdlog::critical("outbox: {}", committed.error().Text());
    on_failed_();
  });
}

void OutboxWorker::Stop() {
  commits_.Stop();
  {
    const std::lock_guard lock(mark_mutex_);
    stopping_ = true;
  }
  mark_wake_.notify_one();
  if (mark_thread_.joinable()) mark_thread_.join();
}

void OutboxWorker::SyncMarkWhenWritten() {
  std::unique_lock lock(mark_mutex_);
  bool reported = false;
  while (!stopping_ || mark_written_) {
    mark_wake_.wait(lock, [this] { return mark_written_ || stopping_; });
    mark_written_ = false;
    lock.unlock();
    try {
      outbox_.SyncHighWaterMark();
      reported = false;
    } catch (const StorageFault& fault) {
      if (!reported) spdlog::error("outbox: {}", fault.error().Text());
      reported = true;
    }
    lock.lock();
    mark_wake_.wait_for(lock, kMarkSyncInterval, [this] { return stopping_; });
  }
}

}  // namespace tillwire
