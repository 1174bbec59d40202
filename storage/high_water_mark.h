// The highest record ever committed, kept beside the database: it shows a loss that SQLite itself can't see
// (a damaged log is silently shortened) and an outbox file that was put back to an older copy.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/hash.h"
#include "core/result.h"
#include "storage/vfs_file.h"

namespace tillwire {

// Two slots in one preallocated file, written in turn, each with a checksum: a torn write leaves the other
// intact. Write() by one thread; Sync() by any, concurrently.
class HighWaterMark {
 public:
  // `vfs`: SQLite's VFS by name, empty for the system's.
  static Result<std::unique_ptr<HighWaterMark>> Open(const std::filesystem::path& path,
                                                     const std::string& vfs = {});
  HighWaterMark(const HighWaterMark&) = delete;
  HighWaterMark& operator=(const HighWaterMark&) = delete;

  // What the file held when it was opened; nothing if it was new or both slots were damaged.
  [[nodiscard]] const std::optional<RecordRef>& AtOpen() const { return at_open_; }
  // Survives the process at once, a power cut only after Sync(). A failure to write is reported by the next
  // Sync(): the mark is a second line of defence, and must never stop a capture.
  void Write(const RecordRef& mark);
  // Syncs if something was written since; kUnavailable if the disk fails. After a failed sync the mark is
  // written again before the next one, which would not cover it otherwise.
  Result<void> Sync();

 private:
  HighWaterMark(std::unique_ptr<VfsFile> file, std::optional<RecordRef> at_open, std::uint64_t serial)
      : file_(std::move(file)), at_open_(at_open), serial_(serial) {}

  std::unique_ptr<VfsFile> file_;
  std::optional<RecordRef> at_open_;
  std::uint64_t serial_;
  std::atomic<bool> dirty_ = false;
  void WriteNewest();  // with the mutex held

  std::mutex mutex_;
  RecordRef newest_;                    // what the slot of serial_ holds
  std::optional<Error> write_failure_;  // since the last Sync()
  bool sync_failed_ = false;            // the last one
};

}  // namespace tillwire
