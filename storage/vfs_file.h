// A small file beside a database, reached through SQLite's VFS: it stands on the same disk, and on the same
// twin of a disk in tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace tillwire {

// Errors are kResourceExhausted where the disk is full, else kUnavailable; their messages name the file.
class VfsFile {
 public:
  // Opens the file for reading and writing, creating it where absent. `vfs`: by name, empty for the system's.
  static Result<std::unique_ptr<VfsFile>> Open(const std::filesystem::path& path, const std::string& vfs);
  ~VfsFile();
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;

  // Fewer bytes than `size` at the file's end.
  [[nodiscard]] Result<std::string> Read(std::size_t offset, std::size_t size);
  Result<void> Write(std::size_t offset, std::string_view bytes);
  // The first one after the file was created syncs its directory too. May be called while another thread
  // writes.
  Result<void> Sync();
  // Gives the file another name in its directory, in the place of what had that name; durable when it
  // returns. The file is only to be closed then.
  Result<void> RenameTo(const std::filesystem::path& path);
  // What this process could still write to the file's disk; nothing where that is not known.
  [[nodiscard]] std::optional<std::uint64_t> FreeBytes() const;

  // Of a file that need not be open. Deleting one that is not there is no error; durable when it returns.
  [[nodiscard]] static Result<bool> Exists(const std::filesystem::path& path, const std::string& vfs);
  static Result<void> Delete(const std::filesystem::path& path, const std::string& vfs);

 private:
  class Impl;
  explicit VfsFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
