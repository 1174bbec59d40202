#include "storage/vfs_call.h"

#include <sys/statvfs.h>

#include "storage/vfs_control.h"

namespace tillwire {

Result<void> CheckVfs(const char* what, const std::string& path, int code) {
  if (code == SQLITE_OK) return {};
  const bool full = (code & 0xff) == SQLITE_FULL;
  return Error{full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
               std::string("cannot ") + what + " " + path + ": " + sqlite3_errstr(code) + " (code " +
                   std::to_string(code) + ")",
               full ? "free space on that file system" : "check the disk"};
}

std::optional<std::uint64_t> FreeBytesAt(sqlite3_file* file, const std::string& path) {
  std::uint64_t bytes = 0;
  const int code = file->pMethods->xFileControl(file, vfs_control::kFreeBytes, &bytes);
  if (code == SQLITE_OK) return bytes;
  struct statvfs found{};
  if (code != SQLITE_NOTFOUND || statvfs(path.c_str(), &found) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
}

}  // namespace tillwire
