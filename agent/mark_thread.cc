#include "agent/mark_thread.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace tillwire {
namespace {

constexpr std::chrono::seconds kInterval{1};

}  // namespace

MarkThread::MarkThread(Outbox& outbox) : outbox_(outbox), thread_([this] { Run(); }) {}

MarkThread::~MarkThread() {
  Stop();
}

void MarkThread::NoteWritten() {
  {
    const std::lock_guard lock(mutex_);
    // The thread is woken once in its interval, not for each capture.
    if (std::exchange(written_, true)) return;
  }
  wake_.notify_one();
}

void MarkThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void MarkThread::Run() {
  std::unique_lock lock(mutex_);
  bool reported = false;
  while (!stopping_ || written_) {
    wake_.wait(lock, [this] { return written_ || stopping_; });
    written_ = false;
    lock.unlock();
    try {
      outbox_.SyncHighWaterMark();
      reported = false;
    } catch (const StorageFault& fault) {
      if (!reported) spdlog::error("outbox: {}", fault.error().Text());
      reported = true;
    }
    lock.lock();
    wake_.wait_for(lock, kInterval, [this] { return stopping_; });
  }
}

}  // namespace tillwire
