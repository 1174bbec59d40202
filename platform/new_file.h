// A file that appears under its name whole and durable, or not at all.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "core/result.h"
#include "platform/file_descriptor.h"

namespace tillwire {

// Until Finish() its content stands in PATH.part, which is removed with this object. What a process that was
// killed has left of one is overwritten by the next attempt. Used by one thread at a time.
class NewFile {
 public:
  // kAlreadyExists if the path is taken already, kUnavailable if another process writes the same file now.
  // Else as FileError() (platform/files.h).
  static Result<NewFile> Create(const std::filesystem::path& path, mode_t mode);
  ~NewFile();
  NewFile(NewFile&& other) noexcept = default;
  NewFile& operator=(NewFile&& other) noexcept = delete;

  Result<void> Write(std::string_view bytes);
  // Syncs it, gives it its name, and syncs the folder. After an error the file does not exist, except where
  // the folder could not be synced: the message then says so.
  Result<void> Finish();

  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

 private:
  NewFile(std::filesystem::path path, std::filesystem::path part, FileDescriptor file);

  std::filesystem::path path_;
  std::filesystem::path part_;
  FileDescriptor file_;
};

}  // namespace tillwire
