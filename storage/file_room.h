// Room that a database's two files hold in advance, so that what must go on at zero bytes free finds it
// there: the log keeps its length when it is moved into the database, and the database's file may be longer
// than its pages.
//
// Lengthening writes zeros, so that the blocks are there and a later write into them needs none. A file
// system that writes elsewhere than in place (btrfs, ZFS) keeps no such promise.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "core/result.h"

namespace tillwire {

// Used on the thread of the database. Errors are kResourceExhausted where the disk is full, else
// kUnavailable.
class FileRoom {
 public:
  // Of a database that is open with an exclusive lock and in WAL mode, and is closed before this ends. From
  // here on SQLite no longer cuts the database's file.
  explicit FileRoom(SQLite::Database& database);
  ~FileRoom();
  FileRoom(const FileRoom&) = delete;
  FileRoom& operator=(const FileRoom&) = delete;

  [[nodiscard]] std::uint64_t FileBytes() const;
  [[nodiscard]] std::uint64_t LogBytes() const;
  // What this process could still write to the disk beside these files; nothing where that is not known.
  [[nodiscard]] std::optional<std::uint64_t> FreeOnDisk() const;

  // Makes the file or the log that long, if it is shorter. Where it fails for want of room, what there was is
  // taken.
  Result<void> LengthenFile(std::uint64_t bytes);
  Result<void> LengthenLog(std::uint64_t bytes);
  // Makes what the log holds meaningless and keeps its length. Only where all of it is in the database,
  // synced. `sync`: also on disk when it returns.
  Result<void> VoidLog(bool sync);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
