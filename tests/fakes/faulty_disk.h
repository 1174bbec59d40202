// Files in memory on a disk that tells synced bytes from unsynced ones. faulty_vfs.h says what is modelled,
// and gives it to SQLite.
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

namespace tillwire {

// Any thread may call.
class FaultyDisk {
 public:
  class OpenFile;

  // When a name in a directory becomes durable.
  enum class NameSync { kWithFirstSyncOfFile, kNotByFile };

  // Nothing if there is no such file and `create` is not set, or if there is no power. Without a path: a
  // temporary file that nobody else can name.
  std::shared_ptr<OpenFile> Open(const std::string& path, bool create, NameSync name_sync);

  // These say false, and do nothing, on a handle from before a power cut.
  bool Read(const OpenFile& file, std::size_t offset, std::size_t size,
            std::string& bytes) const;  // fewer at the end
  bool Write(OpenFile& file, std::size_t offset, std::string_view bytes);
  bool Truncate(OpenFile& file, std::size_t size);
  bool Sync(OpenFile& file);
  [[nodiscard]] std::optional<std::size_t> Size(const OpenFile& file) const;

  // Whether the handle is of the present run of the machine.
  [[nodiscard]] bool Alive(const OpenFile& file) const;

  // False if there is no such file.
  bool Delete(const std::string& path, bool sync_directory);
  [[nodiscard]] bool Exists(const std::string& path) const;
  [[nodiscard]] bool Powered() const;

  void PowerCut();
  void Restart();

  [[nodiscard]] std::uint64_t SyncCount(const std::string& path) const;
  [[nodiscard]] std::uint64_t UnsyncedBytes(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> Paths() const;

 private:
  // One unsynced step on a file: bytes written at an offset, or a truncation to that size.
  struct Change {
    std::size_t offset = 0;
    std::string bytes;
    bool truncates = false;
  };

  struct StoredFile {
    std::string image;             // as the running program sees it
    std::string durable;           // as a power cut leaves it
    std::vector<Change> unsynced;  // from one to the other, in order
  };

  using Directory = std::map<std::string, std::shared_ptr<StoredFile>>;

  static void Apply(const Change& change, std::string& content);
  [[nodiscard]] bool AliveLocked(const OpenFile& file) const;  // with the lock held
  bool Make(OpenFile& file, Change change);
  void SyncDirectory(const std::string& directory);

  mutable std::mutex mutex_;
  Directory files_;          // as the running program sees them
  Directory durable_files_;  // as a power cut leaves them
  std::map<std::string, std::uint64_t> sync_counts_;
  std::uint64_t boot_ = 1;  // which run of the machine this is
  bool powered_ = true;
};

}  // namespace tillwire
