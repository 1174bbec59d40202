// Takes the files of the spool into the outbox, in the order of their names.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "agent/capture/capture_gate.h"
#include "agent/capture/capture_intake.h"
#include "agent/capture_store.h"
#include "agent/spool/spool_watch.h"
#include "agent/spool_status.h"
#include "core/event.h"
#include "platform/spool_folder.h"

namespace tillwire {

struct SpoolImporterOptions {
  std::filesystem::path directory;
  SpoolOwner owner;  // written down there, for the tillwire command
  // One commit takes so much at most.
  std::size_t max_group_files = 512;
  std::size_t max_group_bytes = 4U << 20U;
  // What lies there at the start is taken before any capture over the socket; if it is more, only the lanes
  // concerned wait.
  std::size_t max_files_before_opening = 5'000;
  // Where the outbox or the folder is in the way, it is tried again after this time.
  std::chrono::milliseconds retry_interval{5'000};
  // How long commands are waited for that found no agent and may still be writing. A command holds its lock
  // for some milliseconds; only one that was stopped in the middle needs this limit.
  std::chrono::milliseconds decision_timeout{5'000};
  // How new files are noticed. Where it fails, or ends, the folder is looked at every retry_interval.
  std::function<Result<std::unique_ptr<SpoolWatch>>(asio::io_context&, const SpoolFolder&,
                                                    SpoolWatch::Callbacks)>
      watch = &SpoolWatch::Start;
  // All are called on any thread and must not block.
  std::function<void(EventSource)> on_captured;  // after each event that was stored; a repeat is not
  std::function<void()> on_open;                 // once: captures over the socket wait for the spool no more
  std::function<void()> on_changed;              // Status() may say something else than before
};

// Owns a thread, since reading a folder and setting a file aside wait for the disk.
//
// A file is deleted after the commit that holds its event is synced. Between the two the agent may die: the
// file is then met again, and its idempotency key, which every file has, makes it a repeat.
class SpoolImporter {
 public:
  // All three outlive it, and the store has answered every question before it goes.
  SpoolImporter(CaptureStore& store, CaptureIntake& intake, CaptureGate& gate, SpoolImporterOptions options);
  ~SpoolImporter();
  SpoolImporter(const SpoolImporter&) = delete;
  SpoolImporter& operator=(const SpoolImporter&) = delete;

  // Only after the socket listens (SpoolLock says why). Opens the gate when what lies in the spool is taken.
  void Start();
  // Takes no more. What was handed to the store is stored all the same, and is a repeat next time.
  void Stop();
  // Any thread may call.
  [[nodiscard]] SpoolStatus Status() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tillwire
