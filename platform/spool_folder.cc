#include "platform/spool_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "platform/files.h"
#include "platform/system_rng.h"

namespace tillwire {
namespace {

// Members of the group may write into the subfolders and lock, but not replace the subfolders themselves. New
// files inherit the group, so that the agent may read them whoever wrote them.
constexpr mode_t kTopMode = 02750;
constexpr mode_t kSubfolderMode = 02770;
constexpr mode_t kLockMode = 0660;
constexpr mode_t kFileMode = 0640;
constexpr std::size_t kMaxNameBytes = 240;  // in bad/, so that ".12.reason" still fits into 255
constexpr int kMaxNameTries = 1000;
constexpr std::size_t kMaxReasonBytes = 1024;  // of a reason that is shown
constexpr std::chrono::milliseconds kLockPoll{5};
constexpr const char* kReasonEnding = ".reason";
constexpr const char* kOwnerFile = "owner";

const char* NameOf(SpoolLock lock) {
  return lock == SpoolLock::kDecision ? "lock" : "order";
}

Result<void> MakeFolder(const std::filesystem::path& path, mode_t mode) {
  if (auto made = EnsureDirectory(path); !made) return made;
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return FileError("look at", path, errno);
  if (!S_ISDIR(status.st_mode)) {
    return Error{ErrorCode::kUnavailable, path.string() + " is no directory",
                 "remove it, or choose another spool.directory"};
  }
  // Set anew at each start; where somebody else owns the folder, that one answers for its mode.
  if ((status.st_mode & 07777) != mode && chmod(path.c_str(), mode) != 0 && errno != EPERM) {
    return FileError("set the mode of", path, errno);
  }
  return {};
}

Result<void> MakeLockFile(const std::filesystem::path& path) {
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
  if (!file.IsOpen()) return FileError("create lock file", path, errno);
  // The umask took the group's right away, with which its members lock.
  if (fchmod(file.Get(), kLockMode) != 0 && errno != EPERM) return FileError("set the mode of", path, errno);
  return {};
}

// Calls visit(name) for each entry that does not begin with a dot.
template <typename Visit>
int ForEachName(int directory, Visit visit) {
  const int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return errno;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(own), &closedir);
  if (!stream) {
    const int failed = errno;
    close(own);
    return failed;
  }
  while (true) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) return errno;
    if (entry->d_name[0] != '.') visit(std::string(entry->d_name));
  }
}

// Keeps the `limit` lowest of what is added.
class LowestNames {
 public:
  explicit LowestNames(std::size_t limit) : limit_(limit) {}

  void Add(std::string name) {
    if (names_.size() == limit_ && (limit_ == 0 || name >= names_.front())) return;
    names_.push_back(std::move(name));
    std::push_heap(names_.begin(), names_.end());
    if (names_.size() <= limit_) return;
    std::pop_heap(names_.begin(), names_.end());
    names_.pop_back();
  }

  std::vector<std::string> Sorted() && {
    std::sort_heap(names_.begin(), names_.end());
    return std::move(names_);
  }

 private:
  const std::size_t limit_;
  std::vector<std::string> names_;  // a heap, the highest in front
};

// Until the end, or `limit` bytes.
Result<std::string> ReadUpTo(int descriptor, std::size_t limit, const std::filesystem::path& path) {
  std::string content(limit, '\0');
  std::size_t size = 0;
  while (size < limit) {
    const ssize_t got = read(descriptor, content.data() + size, limit - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

Result<void> WriteAndSync(int descriptor, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t put = write(descriptor, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return FileError("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (fsync(descriptor) != 0) return FileError("sync", path, errno);
  return {};
}

// Creates it; its name must be free. Leaves nothing behind on failure. FileError() has the code for EEXIST
// too, so the caller gets errno, 0 for success.
Result<int> CreateFileIn(int directory, const std::string& name, std::string_view content,
                         const std::filesystem::path& path) {
  const FileDescriptor file(
      openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
  if (!file.IsOpen() && errno == EEXIST) return EEXIST;
  if (!file.IsOpen()) return FileError("create", path, errno);
  // Whatever the writer's umask is: the agent reads it as a member of the group.
  Result<void> written = fchmod(file.Get(), kFileMode) == 0 ? WriteAndSync(file.Get(), content, path)
                                                            : FileError("set the mode of", path, errno);
  if (written) return 0;
  unlinkat(directory, name.c_str(), 0);
  return written.error();
}

Error BadFile(std::string what, std::string remedy) {
  return {ErrorCode::kInvalidArgument, std::move(what), std::move(remedy)};
}

Error OpenError(const std::filesystem::path& path, int error_number) {
  switch (error_number) {
    case ENOENT:
      return {ErrorCode::kNotFound, path.string() + " is gone", {}};
    case ELOOP:
      return BadFile("it is a symbolic link", "drop the file itself");
    case ENXIO:
      return BadFile("it is no regular file", "drop regular files only");
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EWOULDBLOCK:  // a file server has leased it to its writer, and is asked to let go
      return FileError("open", path, error_number);
    case EACCES:
      return BadFile("the agent may not read it",
                     "give the file mode 0640, and leave it in the group of its folder");
    default:
      return BadFile(FileError("open", path, error_number).message, "check the disk");
  }
}

// The whole content of a regular file that is not too big.
Result<std::string> ReadFile(int directory, const std::string& name, const std::filesystem::path& path) {
  // A FIFO without a writer would block, hence O_NONBLOCK; a link may lead anywhere, hence O_NOFOLLOW.
  const FileDescriptor file(
      openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file.IsOpen()) return OpenError(path, errno);
  struct stat status{};
  if (fstat(file.Get(), &status) != 0) return FileError("look at", path, errno);
  if (!S_ISREG(status.st_mode)) return BadFile("it is no regular file", "drop regular files only");
  const auto too_big = [] {
    return BadFile("it has more than " + std::to_string(kMaxSpoolFileBytes) + " bytes",
                   "drop one capture in a file; an event may have 64 KiB");
  };
  if (static_cast<std::uint64_t>(status.st_size) > kMaxSpoolFileBytes) return too_big();
  // One byte more shows that the file still grows.
  auto content = ReadUpTo(file.Get(), static_cast<std::size_t>(status.st_size) + 1, path);
  if (!content) return BadFile(content.error().message, "check the disk");
  if (content->size() > static_cast<std::size_t>(status.st_size)) {
    return BadFile("it is still being written", "write into tmp/, then rename into new/");
  }
  if (content->empty()) return BadFile("it is empty", "write into tmp/, sync, then rename into new/");
  return content;
}

Error NotOpened(const std::filesystem::path& path, int error_number) {
  Error error = FileError("open", path, error_number);
  if (error_number == ENOENT) error.hint = "the agent makes the spool when it starts; check spool.directory";
  if (error_number == EACCES) error.hint = "run as a member of the spool's group";
  return error;
}

}  // namespace

Result<SpoolFolder> SpoolFolder::Create(const std::filesystem::path& directory) {
  if (auto made = MakeFolder(directory, kTopMode); !made) return made.error();
  SpoolFolder folder(directory);
  for (const char* name : {"tmp", "new", "bad"}) {
    if (auto made = MakeFolder(directory / name, kSubfolderMode); !made) return made.error();
  }
  for (const auto lock : {SpoolLock::kDecision, SpoolLock::kOrder}) {
    if (auto made = MakeLockFile(directory / NameOf(lock)); !made) return made.error();
  }
  if (auto synced = SyncDirectory(directory); !synced) return synced.error();
  if (auto opened = folder.OpenAll(); !opened) return opened.error();
  return folder;
}

Result<SpoolFolder> SpoolFolder::Open(const std::filesystem::path& directory) {
  SpoolFolder folder(directory);
  if (auto opened = folder.OpenAll(); !opened) return opened.error();
  return folder;
}

Result<void> SpoolFolder::OpenAll() {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  top_ = FileDescriptor(open(directory_.c_str(), kFlags));
  if (!top_.IsOpen()) return NotOpened(directory_, errno);
  const std::pair<FileDescriptor*, const char*> folders[] = {{&tmp_, "tmp"}, {&new_, "new"}, {&bad_, "bad"}};
  for (const auto& [descriptor, name] : folders) {
    *descriptor = FileDescriptor(openat(top_.Get(), name, kFlags | O_NOFOLLOW));
    if (!descriptor->IsOpen()) return NotOpened(directory_ / name, errno);
  }
  return {};
}

Result<void> SpoolFolder::SetOwner(const SpoolOwner& owner) const {
  if (Owner() == owner) return {};
  const auto temporary = WriteTemporary(owner.store_id + "\n" + owner.terminal_id + "\n");
  if (!temporary) return temporary.error();
  if (renameat(tmp_.Get(), temporary->c_str(), top_.Get(), kOwnerFile) == 0 && fsync(top_.Get()) == 0)
    return {};
  const int failed = errno;
  RemoveTemporary(*temporary);
  return FileError("write", directory_ / kOwnerFile, failed);
}

std::optional<SpoolOwner> SpoolFolder::Owner() const {
  const auto content = ReadFile(top_.Get(), kOwnerFile, directory_ / kOwnerFile);
  if (!content) return std::nullopt;
  const auto first = content->find('\n');
  const auto second = first == std::string::npos ? first : content->find('\n', first + 1);
  if (second == std::string::npos) return std::nullopt;
  return SpoolOwner{content->substr(0, first), content->substr(first + 1, second - first - 1)};
}

Result<std::optional<FileDescriptor>> SpoolFolder::TryLock(SpoolLock lock, bool exclusive) const {
  const char* name = NameOf(lock);
  FileDescriptor file(openat(top_.Get(), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.IsOpen()) return FileError("open the spool's", directory_ / name, errno);
  if (flock(file.Get(), (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
    return std::optional(std::move(file));
  if (errno == EWOULDBLOCK) return std::optional<FileDescriptor>();
  return FileError("lock", directory_ / name, errno);
}

Result<FileDescriptor> SpoolFolder::Lock(SpoolLock lock, bool exclusive,
                                         std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    auto held = TryLock(lock, exclusive);
    if (!held) return held.error();
    if (*held) return std::move(**held);
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error{ErrorCode::kUnavailable,
                   (directory_ / NameOf(lock)).string() + " is locked by another process",
                   "look for a tillwire command that hangs, and try again"};
    }
    std::this_thread::sleep_for(kLockPoll);
  }
}

Result<SpoolListing> SpoolFolder::Waiting(std::size_t limit,
                                          const std::function<bool(const std::string&)>& wanted) const {
  SpoolListing listing;
  LowestNames lowest(limit);
  const int failed = ForEachName(new_.Get(), [&](std::string name) {
    ++listing.total;
    if (wanted(name)) lowest.Add(std::move(name));
  });
  if (failed != 0) return FileError("list", NewPath(), failed);
  listing.names = std::move(lowest).Sorted();
  return listing;
}

Result<std::string> SpoolFolder::Read(const std::string& name) const {
  return ReadFile(new_.Get(), name, NewPath() / name);
}

std::optional<WallTime> SpoolFolder::WrittenAt(const std::string& name) const {
  struct stat status{};
  if (fstatat(new_.Get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                  std::chrono::microseconds(status.st_mtim.tv_nsec / 1000));
}

Result<void> SpoolFolder::Remove(const std::string& name) const {
  if (unlinkat(new_.Get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return FileError("remove", NewPath() / name, errno);
}

Result<void> SpoolFolder::SetAside(const std::string& name, const std::string& reason) const {
  const std::string base = name.substr(0, kMaxNameBytes);
  for (int number = 0; number < kMaxNameTries; ++number) {
    const std::string target = number == 0 ? base : base + "." + std::to_string(number);
    struct stat ignored{};
    if (fstatat(bad_.Get(), target.c_str(), &ignored, AT_SYMLINK_NOFOLLOW) == 0) continue;
    const std::string note = target + kReasonEnding;
    const auto created = CreateFileIn(bad_.Get(), note, reason + "\n", BadPath() / note);
    if (!created) return created.error();
    if (*created == EEXIST) continue;
    // The reason is there before the file is; after a crash between the two a lone reason stays.
    if (fsync(bad_.Get()) != 0) return FileError("sync", BadPath(), errno);
    if (renameat2(new_.Get(), name.c_str(), bad_.Get(), target.c_str(), RENAME_NOREPLACE) != 0) {
      const int failed = errno;
      unlinkat(bad_.Get(), note.c_str(), 0);
      if (failed == EEXIST) continue;
      if (failed == ENOENT) return {};
      return FileError("move to " + BadPath().string(), NewPath() / name, failed);
    }
    if (fsync(bad_.Get()) != 0) return FileError("sync", BadPath(), errno);
    return {};
  }
  return Error{ErrorCode::kUnavailable, BadPath().string() + " holds too many files named " + base,
               "clear that folder"};
}

Result<std::string> SpoolFolder::WriteTemporary(std::string_view content) const {
  SystemRng rng;
  std::string name = std::to_string(getpid()) + "-" + std::to_string(rng.Next());
  const auto created = CreateFileIn(tmp_.Get(), name, content, directory_ / "tmp" / name);
  if (!created) return created.error();
  if (*created != 0) return FileError("create", directory_ / "tmp" / name, *created);
  return name;
}

Result<void> SpoolFolder::Publish(const std::string& temporary, const std::string& name) const {
  if (renameat2(tmp_.Get(), temporary.c_str(), new_.Get(), name.c_str(), RENAME_NOREPLACE) != 0) {
    return FileError("rename into " + NewPath().string(), directory_ / "tmp" / temporary, errno);
  }
  if (fsync(new_.Get()) == 0) return {};
  // The file may be there after a crash or not.
  Error error = FileError("sync", NewPath(), errno);
  error.code = ErrorCode::kUnknown;
  return error;
}

void SpoolFolder::RemoveTemporary(const std::string& temporary) const {
  unlinkat(tmp_.Get(), temporary.c_str(), 0);
}

void SpoolFolder::RemoveStaleTemporaries(WallTime before) const {
  ForEachName(tmp_.Get(), [&](const std::string& name) {
    struct stat status{};
    if (fstatat(tmp_.Get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    const WallTime changed{std::chrono::seconds(status.st_ctim.tv_sec)};
    if (S_ISREG(status.st_mode) && changed < before) unlinkat(tmp_.Get(), name.c_str(), 0);
  });
}

Result<BadFiles> SpoolFolder::Bad(std::size_t limit) const {
  BadFiles bad;
  LowestNames lowest(limit);
  const std::string ending = kReasonEnding;
  const auto exists = [&](const std::string& name) {
    return faccessat(bad_.Get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  };
  // A file may itself be named NAME.reason; it then has a reason of its own.
  const int failed = ForEachName(bad_.Get(), [&](const std::string& name) {
    if (name.ends_with(ending) && !exists(name + ending)) return;
    ++bad.total;
    lowest.Add(name);
  });
  if (failed != 0) return FileError("list", BadPath(), failed);
  for (const auto& name : std::move(lowest).Sorted()) {
    const std::string note = name + ending;
    const FileDescriptor file(
        openat(bad_.Get(), note.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    auto reason = file.IsOpen() ? ReadUpTo(file.Get(), kMaxReasonBytes, BadPath() / note)
                                : Result<std::string>(std::string());
    std::string text = reason ? *reason : std::string();
    if (text.ends_with('\n')) text.pop_back();
    bad.files.push_back({name, std::move(text)});
  }
  return bad;
}

Result<std::optional<SpooledFile>> SpoolFolder::Find(const Accepts& accepts) const {
  const auto waiting = Waiting(kMaxSpoolFiles, [](const std::string&) { return true; });
  if (!waiting) return waiting.error();
  for (const auto& name : waiting->names) {
    auto content = ReadFile(new_.Get(), name, NewPath() / name);
    if (content && accepts(name, *content)) {
      return std::optional(SpooledFile{NewPath() / name, std::move(*content), {}});
    }
  }
  const auto bad = Bad(kMaxSpoolFiles);
  if (!bad) return bad.error();
  for (const auto& [name, reason] : bad->files) {
    auto content = ReadFile(bad_.Get(), name, BadPath() / name);
    if (content && accepts(name, *content)) {
      return std::optional(SpooledFile{BadPath() / name, std::move(*content), reason});
    }
  }
  return std::optional<SpooledFile>();
}

}  // namespace tillwire
