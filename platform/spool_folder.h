// The spool's folder: where the tillwire command, while the agent is down, and software that can only drop a
// file leave captures for the agent. docs/spool-format.md is its manual for those who write into it.
//
//   tmp/   files being written
//   new/   whole files that wait, taken in byte order of their names
//   bad/   what could not be taken, each NAME with NAME.reason beside it
//   lock   held shared while a command decides that the agent is down, and writes (see SpoolLock)
//   order  held by the command that chooses a counter
//   owner  whose spool it is, in two lines: store and terminal
//
// The subfolders are opened once and everything is reached through them, so nothing outside is read or moved,
// whatever names and links lie there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "platform/file_descriptor.h"

namespace tillwire {

// A capture is at most 64 KiB as an event; as JSON it may be some times that.
inline constexpr std::size_t kMaxSpoolFileBytes = 1U << 20U;
// The tillwire command writes no more into a spool that holds so many.
inline constexpr std::size_t kMaxSpoolFiles = 50'000;

// The two lock files. kDecision orders the command's "nobody listens, so I write a file" before the agent's
// last look at the spool: a command holds it shared from before its attempt to connect until its file is in
// place, and the agent, once it listens, takes it exclusively for an instant before it serves captures. Every
// file that was written because nobody listened is then in new/, and every later command finds the socket.
enum class SpoolLock { kDecision, kOrder };

// The terminal whose captures lie in the spool.
struct SpoolOwner {
  std::string store_id;
  std::string terminal_id;
  bool operator==(const SpoolOwner&) const = default;
};

// A file that waits, or was set aside.
struct SpooledFile {
  std::filesystem::path path;
  std::string content;
  std::string reason;  // of one that was set aside
};

struct SpoolListing {
  std::vector<std::string> names;  // the first in byte order
  std::uint64_t total = 0;         // of all
};

struct BadFiles {
  struct File {
    std::string name;
    std::string reason;
    bool operator==(const File&) const = default;
  };
  std::uint64_t total = 0;
  std::vector<File> files;  // the first in byte order of their names
  bool operator==(const BadFiles&) const = default;
};

// Used by one thread at a time.
class SpoolFolder {
 public:
  // For the agent: creates what is absent, with modes that let members of the folder's group write into tmp/
  // and new/, and opens it.
  static Result<SpoolFolder> Create(const std::filesystem::path& directory);
  // For the command: opens what the agent has created.
  static Result<SpoolFolder> Open(const std::filesystem::path& directory);

  [[nodiscard]] const std::filesystem::path& Directory() const { return directory_; }
  [[nodiscard]] std::filesystem::path NewPath() const { return directory_ / "new"; }
  [[nodiscard]] std::filesystem::path BadPath() const { return directory_ / "bad"; }

  // -- The owner

  // For the agent: writes it down, synced, unless it says so already.
  [[nodiscard]] Result<void> SetOwner(const SpoolOwner& owner) const;
  // For the command. Nothing where no agent has written it, or it can't be read.
  [[nodiscard]] std::optional<SpoolOwner> Owner() const;

  // -- Locks; released when the descriptor goes

  // Nothing if somebody else holds it.
  [[nodiscard]] Result<std::optional<FileDescriptor>> TryLock(SpoolLock lock, bool exclusive) const;
  // Waits so long at most, then kUnavailable.
  [[nodiscard]] Result<FileDescriptor> Lock(SpoolLock lock, bool exclusive,
                                            std::chrono::milliseconds timeout) const;

  // -- new/

  // At most `limit` names that `wanted` accepts. Names that begin with a dot are not seen.
  [[nodiscard]] Result<SpoolListing> Waiting(std::size_t limit,
                                             const std::function<bool(const std::string&)>& wanted) const;
  // The whole content of a regular file. kInvalidArgument: it is none, too big, or can't be read, and should
  // be set aside. kNotFound: it is gone. kUnavailable: not now.
  [[nodiscard]] Result<std::string> Read(const std::string& name) const;
  // When it was last written, as far as the clock was right; nothing if it is gone.
  [[nodiscard]] std::optional<WallTime> WrittenAt(const std::string& name) const;
  [[nodiscard]] Result<void> Remove(const std::string& name) const;
  // Moves it to bad/, the reason beside it. The reason is on disk first, and nothing is overwritten: where
  // the name is taken, a number is appended.
  [[nodiscard]] Result<void> SetAside(const std::string& name, const std::string& reason) const;
  // Writes a whole file under a passing name in tmp/, synced; gives that name. Leaves nothing behind on
  // failure.
  [[nodiscard]] Result<std::string> WriteTemporary(std::string_view content) const;
  // Moves it into new/ under `name`, which must be free, and syncs new/: it is durable when this returns.
  // kUnknown if that sync failed: the file may be taken or not.
  [[nodiscard]] Result<void> Publish(const std::string& temporary, const std::string& name) const;
  void RemoveTemporary(const std::string& temporary) const;
  // Takes away what writers left in tmp/ that long ago.
  void RemoveStaleTemporaries(WallTime before) const;

  // -- bad/

  [[nodiscard]] Result<BadFiles> Bad(std::size_t limit) const;

  // The first file, waiting or else set aside, that is accepted by its name, as it was in new/ unless it had
  // to be changed in bad/, and its content. Reads all files until then.
  using Accepts = std::function<bool(const std::string& name, const std::string& content)>;
  [[nodiscard]] Result<std::optional<SpooledFile>> Find(const Accepts& accepts) const;

 private:
  explicit SpoolFolder(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<void> OpenAll();

  std::filesystem::path directory_;
  FileDescriptor top_;
  FileDescriptor tmp_;
  FileDescriptor new_;
  FileDescriptor bad_;
};

}  // namespace tillwire
