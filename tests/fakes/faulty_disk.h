// Files in memory on a disk that tells synced bytes from unsynced ones, fails where it is told to, and loses
// power. faulty_vfs.h says what is modelled, and gives it to SQLite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"

namespace tillwire {

// How a call on the disk ended.
enum class DiskOutcome { kOk, kNoSpace, kIoError, kReadOnly };

// What a disk can be told to do wrong.
enum class DiskFault {
  kNoSpace,     // a write, or the creation of a file, finds no room
  kReadError,   // a read fails
  kWriteError,  // a write or a truncation fails
  kSyncError,   // a sync fails, and what it was to sync no later sync makes durable, as on Linux
  kReadOnly,    // nothing can be written, created, cut or deleted
};

// Any thread may call.
class FaultyDisk {
 public:
  class OpenFile;

  // When a name in a directory becomes durable.
  enum class NameSync { kWithFirstSyncOfFile, kNotByFile };

  // Nothing if there is no such file and `create` is not set, or where it can't be created. Without a path: a
  // temporary file that nobody else can name.
  std::shared_ptr<OpenFile> Open(const std::string& path, bool create, NameSync name_sync);

  // On a handle from before a power cut these fail with kIoError, and do nothing.
  DiskOutcome Read(const OpenFile& file, std::size_t offset, std::size_t size,
                   std::string& bytes);  // fewer at the end
  DiskOutcome Write(OpenFile& file, std::size_t offset, std::string_view bytes);
  DiskOutcome Truncate(OpenFile& file, std::size_t size);
  DiskOutcome Sync(OpenFile& file);
  [[nodiscard]] std::optional<std::size_t> Size(const OpenFile& file) const;
  // The file takes another name, and the place of what had that name.
  DiskOutcome Rename(OpenFile& file, const std::string& to);
  // Makes the names in the file's directory durable.
  DiskOutcome SyncDirectoryOf(OpenFile& file);

  // Whether the handle is of the present run of the program.
  [[nodiscard]] bool Alive(const OpenFile& file) const;

  // kNoFile: there is none of that name.
  enum class Deletion { kDone, kNoFile, kFailed };
  Deletion Delete(const std::string& path, bool sync_directory);
  [[nodiscard]] bool Exists(const std::string& path) const;
  [[nodiscard]] bool Powered() const;
  // Whether the program was neither killed nor without power since the last Restart().
  [[nodiscard]] bool ProgramRuns() const;
  // Whether nothing can be written at the moment.
  [[nodiscard]] bool ReadOnly() const;

  // -- Faults

  // The fault strikes at the nth call of its kind from now, 1 being the next; once, or at each one from
  // there.
  enum class Lasting { kOnce, kForEver };
  void FailAt(DiskFault fault, std::uint64_t nth, Lasting lasting);
  // A program with a bug: it takes syncs that fail for syncs that succeeded.
  void HideSyncErrors();
  // Takes back every fault that was planned. Room and power stay as they are.
  void Heal();
  // Whether any planned fault has struck since the last Heal().
  [[nodiscard]] bool Struck() const;

  // No file may grow so that all together hold more than this. Nothing: no limit.
  void SetCapacity(std::optional<std::uint64_t> bytes);
  [[nodiscard]] std::uint64_t UsedBytes() const;
  // Nothing without a limit.
  [[nodiscard]] std::optional<std::uint64_t> FreeBytes() const;

  // -- Power

  // The machine loses power. Without `rng` nothing that was not synced survives. With it, of the unsynced
  // changes of each file some survive, in any choice; of a write some of its sectors; and of the names that
  // were made or deleted since the directory was synced, some.
  void PowerCut(Rng* rng = nullptr);
  // The same by itself, before the nth change from now (1 being the next); the call fails. What counts as a
  // change: a file made, written, cut, synced, renamed or deleted; a directory synced.
  void PowerCutAt(std::uint64_t nth, Rng* rng = nullptr);
  // The program is killed: its handles are dead, and what it wrote is there, synced or not. Until Restart()
  // nothing can be opened or deleted.
  void KillProgram();
  // The same by itself, before the nth change from now.
  void KillProgramAt(std::uint64_t nth);
  // Neither power cut nor kill is planned any more.
  void CancelPlan();
  // Changes since construction, as PowerCutAt() counts them.
  [[nodiscard]] std::uint64_t Changes() const;
  void Restart();

  // -- Behind the program's back

  // Flips one bit of a file, in what is durable too. False if the file is not that long.
  bool FlipBit(const std::string& path, std::size_t byte, unsigned bit);
  // The files whose path begins so, as the running program sees them.
  [[nodiscard]] std::map<std::string, std::string> Copy(const std::string& path_prefix) const;
  // Puts exactly these files, durable, in the place of those whose path begins so.
  void Replace(const std::string& path_prefix, const std::map<std::string, std::string>& files);

  [[nodiscard]] std::uint64_t SyncCount(const std::string& path) const;
  [[nodiscard]] std::uint64_t UnsyncedBytes(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> Paths() const;

 private:
  // One unsynced step on a file: bytes written at an offset, or a truncation to that size.
  struct Change {
    std::size_t offset = 0;
    std::string bytes;
    bool truncates = false;
    bool given_up = false;  // a sync of it failed
  };

  struct StoredFile {
    std::string image;             // as the running program sees it
    std::string durable;           // as a power cut leaves it
    std::vector<Change> unsynced;  // from one to the other, in order
  };

  struct Plan {
    std::uint64_t calls_left = 0;
    Lasting lasting = Lasting::kOnce;
    bool struck = false;
  };

  struct PlannedEnd {
    std::uint64_t changes_left = 0;
    bool of_power = true;  // else of the program
    Rng* rng = nullptr;
  };

  using Directory = std::map<std::string, std::shared_ptr<StoredFile>>;

  struct RenamedFile {
    std::string from, to;
    std::shared_ptr<StoredFile> file;
  };

  static void Apply(const Change& change, std::string& content);
  static std::string Survivor(const StoredFile& file, Rng& rng);
  // The rest with the lock held.
  [[nodiscard]] bool AliveLocked(const OpenFile& file) const;
  [[nodiscard]] bool ReadOnlyLocked() const;
  [[nodiscard]] bool Strikes(DiskFault fault);
  // Counts a change; true if the machine or the program came to its planned end before it.
  bool EndsNow();
  void PowerCutLocked(Rng* rng);
  [[nodiscard]] std::uint64_t UsedLocked() const;
  void SyncDirectory(const std::string& directory);

  mutable std::mutex mutex_;
  Directory files_;          // as the running program sees them
  Directory durable_files_;  // as a power cut leaves them
  std::vector<RenamedFile> unsynced_renames_;
  std::map<std::string, std::uint64_t> sync_counts_;
  std::map<DiskFault, Plan> plans_;
  std::optional<PlannedEnd> planned_end_;
  std::optional<std::uint64_t> capacity_;
  std::uint64_t changes_ = 0;
  std::uint64_t run_ = 1;  // which run of the program on the machine this is
  bool powered_ = true;
  bool runs_ = true;
  bool hides_sync_errors_ = false;
};

}  // namespace tillwire
