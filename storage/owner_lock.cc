#include "storage/owner_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

#include "platform/files.h"

namespace tillwire {
namespace {

constexpr mode_t kMode = 0640;

// "process 812 (tillwired)", by what the holder has written into the file.
std::string HolderInWords(int descriptor) {
  std::array<char, 128> buffer{};
  const ssize_t size = pread(descriptor, buffer.data(), buffer.size(), 0);
  if (size <= 0) return "another process";
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  text = text.substr(0, text.find('\n'));
  const auto space = text.find(' ');
  if (space == std::string::npos) return "another process";
  return "process " + text.substr(0, space) + " (" + text.substr(space + 1) + ")";
}

// Whether it is locked now. `held` is what to say where somebody else holds it.
Result<void> Lock(const FileDescriptor& file, const std::filesystem::path& path,
                  const std::function<Error(const std::string& holder)>& held) {
  if (flock(file.Get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return held(HolderInWords(file.Get()));
  return FileError("lock", path, errno);
}

// Over what stands there, whose rest does not count, so that it needs no room on a full disk. The lock holds
// whether or not its holder's name can be written.
void WriteHolder(const FileDescriptor& file, const std::string& program) {
  const std::string text = std::to_string(getpid()) + " " + program + "\n";
  [[maybe_unused]] const ssize_t written = pwrite(file.Get(), text.data(), text.size(), 0);
}

// A lock file that was made for a reader must not keep the store's owner out.
void GiveToOwnerOf(const std::filesystem::path& folder, const FileDescriptor& file) {
  struct stat owner{};
  if (stat(folder.c_str(), &owner) != 0) return;
  // Where this process may not do that, it is the owner itself, or has no business to.
  if (fchown(file.Get(), owner.st_uid, owner.st_gid) != 0) return;
}

}  // namespace

Result<std::unique_ptr<OwnerLock>> OwnerLock::Take(const std::filesystem::path& path, const std::string& what,
                                                   const std::string& program) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode));
  if (!file.IsOpen() && errno == EROFS) file = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.IsOpen()) return FileError("open lock file", path, errno);
  const auto held = [&](const std::string& holder) {
    return Error{ErrorCode::kUnavailable, what + " is locked by " + holder, "stop it or use its socket"};
  };
  if (auto locked = Lock(file, path, held); !locked) return locked.error();
  WriteHolder(file, program);
  return std::unique_ptr<OwnerLock>(new OwnerLock(std::move(file)));
}

Result<std::unique_ptr<OwnerLock>> OwnerLock::TakeToRead(const std::filesystem::path& path,
                                                         const std::string& what,
                                                         const std::string& program) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  bool writable = file.IsOpen();
  if (!writable && errno == ENOENT) {
    file = FileDescriptor(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
    if (!file.IsOpen() && errno == EROFS) {
      return std::unique_ptr<OwnerLock>(new OwnerLock(FileDescriptor()));
    }
    writable = file.IsOpen();
    if (writable) GiveToOwnerOf(path.parent_path(), file);
  } else if (!writable && (errno == EROFS || errno == EACCES)) {
    file = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!file.IsOpen()) return FileError("open lock file", path, errno);
  const auto held = [&](const std::string& holder) {
    return Error{ErrorCode::kFailedPrecondition, what + " is in use by " + holder,
                 "an agent that runs delivers by itself; stop it first if it can't"};
  };
  if (auto locked = Lock(file, path, held); !locked) return locked.error();
  if (writable) WriteHolder(file, program);
  return std::unique_ptr<OwnerLock>(new OwnerLock(std::move(file)));
}

OwnerLock::~OwnerLock() = default;

}  // namespace tillwire
