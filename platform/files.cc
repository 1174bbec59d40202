#include "platform/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace tillwire {

Error FileError(const std::string& operation, const std::filesystem::path& path, int error_number) {
  Error error;
  error.message =
      "cannot " + operation + " " + path.string() + ": " + std::generic_category().message(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      error.code = ErrorCode::kResourceExhausted;
      error.hint = "free space on that file system";
      break;
    case EACCES:
    case EPERM:
      error.code = ErrorCode::kUnavailable;
      error.hint = "run as the user that owns it, or correct its mode";
      break;
    case EROFS:
      error.code = ErrorCode::kUnavailable;
      error.hint = "the file system is read-only; check the disk and remount it";
      break;
    default:
      error.code = ErrorCode::kUnavailable;
      error.hint = "check the disk and the path";
  }
  return error;
}

Result<void> CheckWritable(const std::filesystem::path& directory) {
  if (faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return FileError("write into", directory, errno);
}

Result<void> SyncDirectory(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return FileError("open directory", path, errno);
  const int failed = fsync(descriptor) != 0 ? errno : 0;
  close(descriptor);
  if (failed != 0) return FileError("sync directory", path, failed);
  return {};
}

Result<void> EnsureDirectory(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {};
  if (path.has_parent_path() && path.parent_path() != path) {
    if (auto parent = EnsureDirectory(path.parent_path()); !parent) return parent;
  }
  if (mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return FileError("create directory", path, errno);
  return path.has_parent_path() ? SyncDirectory(path.parent_path()) : SyncDirectory(".");
}

}  // namespace tillwire
