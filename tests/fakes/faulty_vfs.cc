#include "tests/fakes/faulty_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "storage/vfs_control.h"

namespace tillwire {

// What SQLite's functions find behind the VFS.
class FaultyVfs::Registration {
 public:
  explicit Registration(std::string vfs_name);
  ~Registration() { sqlite3_vfs_unregister(&vfs_); }

  // SQLite's lock levels between the handles of one file: readers share, one may reserve, a writer stands
  // alone.
  bool Lock(const std::string& path, const void* handle, int level);
  void Unlock(const std::string& path, const void* handle, int level);
  bool Reserved(const std::string& path);
  // Locks end with the machine, not with the handles.
  void ForgetLocks();

  const std::string name;
  FaultyDisk disk;

 private:
  std::mutex mutex_;
  std::map<std::string, std::map<const void*, int>> locks_;  // SQLITE_LOCK_* by path and handle
  sqlite3_vfs vfs_{};
};

namespace {

// SQLite's VFS for Unix takes less than this in one call. Of more it says that the disk is full (os_unix.c,
// seekAndWriteFd).
constexpr int kTooMuchAtOnce = 128 << 10;

// What SQLite holds for an open file; `base` must come first.
struct Handle {
  sqlite3_file base{};
  FaultyVfs::Registration* registration = nullptr;
  std::shared_ptr<FaultyDisk::OpenFile> file;
  std::string path;
  bool delete_on_close = false;

  [[nodiscard]] FaultyDisk& Disk() const { return registration->disk; }
};

Handle& AsHandle(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file);
}

FaultyVfs::Registration& AsRegistration(sqlite3_vfs* vfs) {
  return *static_cast<FaultyVfs::Registration*>(vfs->pAppData);
}

// As SQLite's VFS for Unix answers: only a full disk has a code of its own.
int AsCode(DiskOutcome outcome, int failed) {
  switch (outcome) {
    case DiskOutcome::kOk:
      return SQLITE_OK;
    case DiskOutcome::kNoSpace:
      return SQLITE_FULL;
    case DiskOutcome::kIoError:
    case DiskOutcome::kReadOnly:
      return failed;
  }
  return failed;
}

int Close(sqlite3_file* base) {
  Handle& handle = AsHandle(base);
  handle.registration->Unlock(handle.path, &handle, SQLITE_LOCK_NONE);
  if (handle.delete_on_close) {
    handle.Disk().Delete(handle.path, false);
  }
  handle.~Handle();
  return SQLITE_OK;
}

int Read(sqlite3_file* base, void* target, int amount, sqlite3_int64 offset) {
  Handle& handle = AsHandle(base);
  const auto wanted = static_cast<std::size_t>(amount);
  std::string bytes;
  if (handle.Disk().Read(*handle.file, static_cast<std::size_t>(offset), wanted, bytes) != DiskOutcome::kOk) {
    return SQLITE_IOERR_READ;
  }
  std::memcpy(target, bytes.data(), bytes.size());
  std::memset(static_cast<char*>(target) + bytes.size(), 0, wanted - bytes.size());
  return bytes.size() == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* base, const void* source, int amount, sqlite3_int64 offset) {
  Handle& handle = AsHandle(base);
  if (amount >= kTooMuchAtOnce) return SQLITE_FULL;
  const std::string_view bytes(static_cast<const char*>(source), static_cast<std::size_t>(amount));
  return AsCode(handle.Disk().Write(*handle.file, static_cast<std::size_t>(offset), bytes),
                SQLITE_IOERR_WRITE);
}

int Truncate(sqlite3_file* base, sqlite3_int64 size) {
  Handle& handle = AsHandle(base);
  return AsCode(handle.Disk().Truncate(*handle.file, static_cast<std::size_t>(size)), SQLITE_IOERR_TRUNCATE);
}

int Sync(sqlite3_file* base, int /*flags*/) {
  Handle& handle = AsHandle(base);
  return AsCode(handle.Disk().Sync(*handle.file), SQLITE_IOERR_FSYNC);
}

int FileSize(sqlite3_file* base, sqlite3_int64* size) {
  Handle& handle = AsHandle(base);
  const std::optional<std::size_t> found = handle.Disk().Size(*handle.file);
  *size = static_cast<sqlite3_int64>(found.value_or(0));
  return found ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

int Lock(sqlite3_file* base, int level) {
  Handle& handle = AsHandle(base);
  if (!handle.Disk().Alive(*handle.file)) {
    return SQLITE_IOERR_LOCK;
  }
  return handle.registration->Lock(handle.path, &handle, level) ? SQLITE_OK : SQLITE_BUSY;
}

int Unlock(sqlite3_file* base, int level) {
  Handle& handle = AsHandle(base);
  handle.registration->Unlock(handle.path, &handle, level);
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* base, int* reserved) {
  Handle& handle = AsHandle(base);
  *reserved = handle.registration->Reserved(handle.path) ? 1 : 0;
  return SQLITE_OK;
}

int FileControl(sqlite3_file* base, int operation, void* argument) {
  Handle& handle = AsHandle(base);
  switch (operation) {
    case vfs_control::kFreeBytes: {
      const std::optional<std::uint64_t> free = handle.Disk().FreeBytes();
      if (!free) return SQLITE_ERROR;
      *static_cast<std::uint64_t*>(argument) = *free;
      return SQLITE_OK;
    }
    case vfs_control::kRename:
      return AsCode(handle.Disk().Rename(*handle.file, static_cast<const char*>(argument)), SQLITE_IOERR);
    case vfs_control::kSyncDirectory:
      return AsCode(handle.Disk().SyncDirectoryOf(*handle.file), SQLITE_IOERR_DIR_FSYNC);
    default:
      return SQLITE_NOTFOUND;
  }
}

int SectorSize(sqlite3_file* /*base*/) {
  return 4096;
}

// As Unix files: a write does not harm the bytes beside it. Without this SQLite pads its log to whole
// sectors.
int DeviceCharacteristics(sqlite3_file* /*base*/) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// Version 1: without shared memory, so SQLite refuses a log on any connection that is not exclusive.
const sqlite3_io_methods kMethods = [] {
  sqlite3_io_methods methods{};
  methods.iVersion = 1;
  methods.xClose = Close;
  methods.xRead = Read;
  methods.xWrite = Write;
  methods.xTruncate = Truncate;
  methods.xSync = Sync;
  methods.xFileSize = FileSize;
  methods.xLock = Lock;
  methods.xUnlock = Unlock;
  methods.xCheckReservedLock = CheckReservedLock;
  methods.xFileControl = FileControl;
  methods.xSectorSize = SectorSize;
  methods.xDeviceCharacteristics = DeviceCharacteristics;
  return methods;
}();

int VfsOpen(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  constexpr int kSyncedWithDirectory = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  file->pMethods = nullptr;
  auto opened = AsRegistration(vfs).disk.Open(path == nullptr ? "" : path, (flags & SQLITE_OPEN_CREATE) != 0,
                                              (flags & kSyncedWithDirectory) != 0
                                                  ? FaultyDisk::NameSync::kWithFirstSyncOfFile
                                                  : FaultyDisk::NameSync::kNotByFile);
  if (!opened) {
    return SQLITE_CANTOPEN;
  }
  Handle& handle = *new (file) Handle;
  handle.registration = &AsRegistration(vfs);
  handle.file = std::move(opened);
  handle.path = path == nullptr ? "" : path;
  handle.delete_on_close = path != nullptr && (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  file->pMethods = &kMethods;
  if (out_flags != nullptr) {
    // What can't be opened for writing is opened for reading, as on Unix.
    const bool read_only = handle.Disk().ReadOnly();
    *out_flags = read_only ? (flags & ~SQLITE_OPEN_READWRITE) | SQLITE_OPEN_READONLY : flags;
  }
  return SQLITE_OK;
}

int VfsDelete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  FaultyDisk& disk = AsRegistration(vfs).disk;
  if (!disk.Powered()) {
    return SQLITE_IOERR_DELETE;
  }
  switch (disk.Delete(path, sync_directory != 0)) {
    case FaultyDisk::Deletion::kDone:
      return SQLITE_OK;
    case FaultyDisk::Deletion::kNoFile:
      return SQLITE_IOERR_DELETE_NOENT;
    case FaultyDisk::Deletion::kFailed:
      break;
  }
  return SQLITE_IOERR_DELETE;
}

int VfsAccess(sqlite3_vfs* vfs, const char* path, int /*flags*/, int* result) {
  const FaultyDisk& disk = AsRegistration(vfs).disk;
  *result = disk.Exists(path) ? 1 : 0;
  return disk.Powered() ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

int VfsFullPathname(sqlite3_vfs* /*vfs*/, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

sqlite3_vfs* SystemVfs() {
  return sqlite3_vfs_find("unix");
}

int VfsRandomness(sqlite3_vfs* /*vfs*/, int size, char* out) {
  return SystemVfs()->xRandomness(SystemVfs(), size, out);
}

int VfsSleep(sqlite3_vfs* /*vfs*/, int microseconds) {
  return SystemVfs()->xSleep(SystemVfs(), microseconds);
}

int VfsCurrentTime(sqlite3_vfs* /*vfs*/, double* now) {
  return SystemVfs()->xCurrentTime(SystemVfs(), now);
}

}  // namespace

FaultyVfs::Registration::Registration(std::string vfs_name) : name(std::move(vfs_name)) {
  if (sqlite3_vfs_find(name.c_str()) != nullptr) {
    throw std::logic_error("a VFS named " + name + " is registered already; choose another name");
  }
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(Handle);
  vfs_.mxPathname = 1024;
  vfs_.zName = name.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = VfsOpen;
  vfs_.xDelete = VfsDelete;
  vfs_.xAccess = VfsAccess;
  vfs_.xFullPathname = VfsFullPathname;
  vfs_.xRandomness = VfsRandomness;
  vfs_.xSleep = VfsSleep;
  vfs_.xCurrentTime = VfsCurrentTime;
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) {
    throw std::runtime_error("SQLite refused to register the VFS " + name);
  }
}

bool FaultyVfs::Registration::Lock(const std::string& path, const void* handle, int level) {
  const std::lock_guard lock(mutex_);
  auto& levels = locks_[path];
  int highest_other = SQLITE_LOCK_NONE;
  for (const auto& [other, other_level] : levels) {
    if (other != handle) {
      highest_other = std::max(highest_other, other_level);
    }
  }
  const bool granted = level == SQLITE_LOCK_SHARED     ? highest_other < SQLITE_LOCK_PENDING
                       : level == SQLITE_LOCK_RESERVED ? highest_other < SQLITE_LOCK_RESERVED
                                                       : highest_other == SQLITE_LOCK_NONE;
  if (granted) {
    levels[handle] = std::max(levels[handle], level);
  }
  return granted;
}

void FaultyVfs::Registration::Unlock(const std::string& path, const void* handle, int level) {
  const std::lock_guard lock(mutex_);
  auto& levels = locks_[path];
  if (level == SQLITE_LOCK_NONE) {
    levels.erase(handle);
  } else if (const auto held = levels.find(handle); held != levels.end()) {
    held->second = level;
  }
}

bool FaultyVfs::Registration::Reserved(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto& levels = locks_[path];
  return std::any_of(levels.begin(), levels.end(),
                     [](const auto& entry) { return entry.second >= SQLITE_LOCK_RESERVED; });
}

void FaultyVfs::Registration::ForgetLocks() {
  const std::lock_guard lock(mutex_);
  locks_.clear();
}

FaultyVfs::FaultyVfs(const std::string& name) : registration_(std::make_unique<Registration>(name)) {}

FaultyVfs::~FaultyVfs() = default;

const std::string& FaultyVfs::Name() const {
  return registration_->name;
}

FaultyDisk& FaultyVfs::Disk() {
  return registration_->disk;
}

void FaultyVfs::PowerCut() {
  registration_->disk.PowerCut();
}

void FaultyVfs::Restart() {
  registration_->ForgetLocks();
  registration_->disk.Restart();
}

std::uint64_t FaultyVfs::SyncCount(const std::string& path) const {
  return registration_->disk.SyncCount(path);
}

std::uint64_t FaultyVfs::UnsyncedBytes(const std::string& path) const {
  return registration_->disk.UnsyncedBytes(path);
}

std::vector<std::string> FaultyVfs::Files() const {
  return registration_->disk.Paths();
}

}  // namespace tillwire
