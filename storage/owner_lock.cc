#include "storage/owner_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "platform/files.h"

namespace tillwire {
namespace {

// The holder's "PID PROGRAM", or an empty text.
std::string ReadHolder(int descriptor) {
  std::array<char, 128> buffer{};
  const ssize_t size = pread(descriptor, buffer.data(), buffer.size(), 0);
  if (size <= 0) return {};
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  return text.substr(0, text.find('\n'));
}

Error HeldError(const std::string& what, const std::string& holder) {
  const auto space = holder.find(' ');
  std::string who = "another process";
  if (space != std::string::npos)
    who = "process " + holder.substr(0, space) + " (" + holder.substr(space + 1) + ")";
  return {ErrorCode::kUnavailable, what + " is locked by " + who, "stop it or use its socket"};
}

}  // namespace

Result<std::unique_ptr<OwnerLock>> OwnerLock::Take(const std::filesystem::path& path, const std::string& what,
                                                   const std::string& program) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor < 0) return FileError("open lock file", path, errno);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int failed = errno;
    const std::string holder = ReadHolder(descriptor);
    close(descriptor);
    if (failed == EWOULDBLOCK) return HeldError(what, holder);
    return FileError("lock", path, failed);
  }
  const std::string text = std::to_string(getpid()) + " " + program + "\n";
  if (ftruncate(descriptor, 0) != 0 ||
      pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const int failed = errno;
    close(descriptor);
    return FileError("write lock file", path, failed);
  }
  return std::unique_ptr<OwnerLock>(new OwnerLock(descriptor));
}

OwnerLock::~OwnerLock() {
  close(descriptor_);
}

}  // namespace tillwire
