// A disk for SQLite that tells synced bytes from unsynced ones, so that a test can cut the power.
//
// What is modelled:
// - Each file has an image, which the running program sees, and a durable content, which a power cut leaves.
//   Between the two stand the writes and truncations since the file's last xSync, in order; xSync applies
//   them.
// - Each directory has names, and durable names. A name becomes durable (and a deletion final) when its
//   directory is synced: by xDelete with syncDir, and by the first xSync of a newly created journal or log.
//   That is what SQLite's VFS for Unix does. An xSync of the database file itself syncs no directory.
// - A rename is one step: a power cut before its directory is synced leaves all of it or nothing.
// - A power cut loses nothing that was synced. Of what was not it keeps nothing, or (with randomness) any
// part,
//   down to single sectors. Handles that were open are dead for ever: each call on them fails, so nothing can
//   mistake a write into the dark for a durable one.
// - Calls fail where a test plans it: no room, input or output errors, syncs that fail, a disk that can only
// be
//   read. faulty_disk.h has the list.
// - A single write of 128 KiB or more finds the disk full, as with SQLite's VFS for Unix.
// What is not modelled: shared memory (a connection needs locking_mode=EXCLUSIVE before it uses a log),
// memory mapping, and files that the program opens without SQLite's VFS, such as locks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/faulty_disk.h"

namespace tillwire {

// Any thread may call. Paths are those that SQLite was given; the log of a database is at path + "-wal".
class FaultyVfs {
 public:
  // Registers the disk with SQLite under `name`, beside the default one. The name must be free.
  explicit FaultyVfs(const std::string& name);
  // Every handle must be closed by then.
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  [[nodiscard]] const std::string& Name() const;

  // What lies behind SQLite: to plan faults, to cut the power in other ways, to copy files and put them back.
  [[nodiscard]] FaultyDisk& Disk();

  // The machine loses power: what was not synced is gone, open handles are dead, nothing can be opened.
  void PowerCut();
  // The machine, or the program after a kill, is up again: files can be opened as they were left.
  void Restart();

  // Calls of xSync on a path since construction, over all files that ever stood there.
  [[nodiscard]] std::uint64_t SyncCount(const std::string& path) const;
  // Bytes of a path that the next power cut would lose, counting each write.
  [[nodiscard]] std::uint64_t UnsyncedBytes(const std::string& path) const;
  // Paths that exist, as the running program sees it.
  [[nodiscard]] std::vector<std::string> Files() const;

  class Registration;

 private:
  std::unique_ptr<Registration> registration_;
};

}  // namespace tillwire
