#include "platform/new_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "platform/files.h"

namespace tillwire {
namespace {

Error Taken(const std::filesystem::path& path) {
  return {ErrorCode::kAlreadyExists, path.string() + " exists already",
          "choose another name, or move that file away; nothing is overwritten"};
}

Error BeingWritten(const std::filesystem::path& part) {
  return {ErrorCode::kUnavailable, part.string() + " is being written by another process",
          "wait for that one, or choose another name"};
}

bool Exists(const std::filesystem::path& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

// Whether the open file is still the one of that name: whoever held its lock before may have renamed it.
bool IsStillNamed(int file, const std::filesystem::path& part) {
  struct stat opened{};
  struct stat named{};
  return fstat(file, &opened) == 0 && lstat(part.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

std::filesystem::path FolderOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

NewFile::NewFile(std::filesystem::path path, std::filesystem::path part, FileDescriptor file)
    : path_(std::move(path)), part_(std::move(part)), file_(std::move(file)) {}

NewFile::~NewFile() {
  if (file_.IsOpen()) unlink(part_.c_str());
}

Result<NewFile> NewFile::Create(const std::filesystem::path& path, mode_t mode) {
  if (Exists(path)) return Taken(path);
  const std::filesystem::path part = path.string() + ".part";
  FileDescriptor file(open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file.IsOpen()) return FileError("create", part, errno);
  if (flock(file.Get(), LOCK_EX | LOCK_NB) != 0 || !IsStillNamed(file.Get(), part)) return BeingWritten(part);
  // A file system without modes, as memory sticks have, is no reason to stop.
  if (fchmod(file.Get(), mode) != 0 && errno != EPERM) return FileError("set the mode of", part, errno);
  if (ftruncate(file.Get(), 0) != 0) return FileError("empty", part, errno);
  return NewFile(path, part, std::move(file));
}

Result<void> NewFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(file_.Get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FileError("write", part_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> NewFile::Finish() {
  if (fsync(file_.Get()) != 0) return FileError("sync", part_, errno);
  if (renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return Taken(path_);
    // Some file systems can't promise that; the lock keeps others of our kind away.
    if (errno != EINVAL && errno != ENOSYS) return FileError("rename", part_, errno);
    if (Exists(path_)) return Taken(path_);
    if (rename(part_.c_str(), path_.c_str()) != 0) return FileError("rename", part_, errno);
  }
  file_ = FileDescriptor();
  if (auto synced = SyncDirectory(FolderOf(path_)); !synced) {
    Error error = synced.error();
    error.message = path_.string() + " is written, but its folder could not be synced: " + error.message;
    return error;
  }
  return {};
}

}  // namespace tillwire
