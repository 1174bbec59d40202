// Syncs the outbox's high-water mark off the capture path.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/outbox.h"

namespace tillwire {

// A thread that syncs the mark at most once a second, and only where it was written.
class MarkThread {
 public:
  // `outbox` outlives it.
  explicit MarkThread(Outbox& outbox);
  ~MarkThread();
  MarkThread(const MarkThread&) = delete;
  MarkThread& operator=(const MarkThread&) = delete;

  // Any thread: there may be something to sync. Does not wait for it.
  void NoteWritten();
  // Syncs what was noted, and ends the thread.
  void Stop();

 private:
  void Run();

  Outbox& outbox_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool written_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tillwire
