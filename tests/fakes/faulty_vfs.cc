#include "tests/fakes/faulty_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

namespace tillwire {
namespace {

// One unsynced step on a file: bytes written at an offset, or, without bytes, a truncation to that size.
struct Change {
  std::size_t offset = 0;
  std::string bytes;
  bool truncates = false;
};

void Apply(const Change& change, std::string& content) {
  if (change.truncates) {
    content.resize(std::min(content.size(), change.offset));
    return;
  }
  if (content.size() < change.offset + change.bytes.size()) {
    content.resize(change.offset + change.bytes.size());
  }
  content.replace(change.offset, change.bytes.size(), change.bytes);
}

struct Handle;

struct StoredFile {
  std::string image;
  std::string durable;
  std::vector<Change> unsynced;
  std::map<const Handle*, int> locks;  // SQLITE_LOCK_* by open handle
};

using Directory = std::map<std::string, std::shared_ptr<StoredFile>>;

std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

class FaultyVfs::Disk {
 public:
  explicit Disk(std::string name);
  ~Disk() { sqlite3_vfs_unregister(&vfs_); }

  int Open(const char* path, Handle* handle, int flags);
  int Delete(const std::string& path, bool sync_directory);
  void Sync(Handle& handle);

  mutable std::mutex mutex;
  std::string name;
  Directory files;          // as the running program sees them
  Directory durable_files;  // as a power cut leaves them
  std::map<std::string, std::uint64_t> sync_counts;
  std::uint64_t boot = 1;  // which run of the machine this is; handles of an earlier one are dead
  bool powered = true;

 private:
  void SyncDirectory(const std::string& directory);

  sqlite3_vfs vfs_{};
};

namespace {

// What SQLite holds for an open file; `base` must come first.
struct Handle {
  sqlite3_file base{};
  FaultyVfs::Disk* disk = nullptr;
  std::shared_ptr<StoredFile> file;
  std::string path;
  std::uint64_t boot = 0;
  bool sync_directory_once = false;
  bool delete_on_close = false;

  [[nodiscard]] bool Dead() const { return boot != disk->boot || !disk->powered; }
};

Handle& AsHandle(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file);
}

int Close(sqlite3_file* base) {
  Handle& handle = AsHandle(base);
  FaultyVfs::Disk& disk = *handle.disk;
  const std::lock_guard lock(disk.mutex);
  handle.file->locks.erase(&handle);
  if (handle.delete_on_close && !handle.Dead()) {
    disk.Delete(handle.path, false);
  }
  handle.~Handle();
  return SQLITE_OK;
}

int Read(sqlite3_file* base, void* target, int amount, sqlite3_int64 offset) {
  Handle& handle = AsHandle(base);
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.Dead()) {
    return SQLITE_IOERR_READ;
  }
  const std::string& image = handle.file->image;
  const std::size_t begin = std::min(static_cast<std::size_t>(offset), image.size());
  const std::size_t available = std::min(static_cast<std::size_t>(amount), image.size() - begin);
  std::memcpy(target, image.data() + begin, available);
  std::memset(static_cast<char*>(target) + available, 0, static_cast<std::size_t>(amount) - available);
  return available == static_cast<std::size_t>(amount) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int ApplyNow(Handle& handle, Change change, int error) {
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.Dead()) {
    return error;
  }
  Apply(change, handle.file->image);
  handle.file->unsynced.push_back(std::move(change));
  return SQLITE_OK;
}

int Write(sqlite3_file* base, const void* source, int amount, sqlite3_int64 offset) {
  Change change;
  change.offset = static_cast<std::size_t>(offset);
  change.bytes.assign(static_cast<const char*>(source), static_cast<std::size_t>(amount));
  return ApplyNow(AsHandle(base), std::move(change), SQLITE_IOERR_WRITE);
}

int Truncate(sqlite3_file* base, sqlite3_int64 size) {
  Change change;
  change.offset = static_cast<std::size_t>(size);
  change.truncates = true;
  return ApplyNow(AsHandle(base), std::move(change), SQLITE_IOERR_TRUNCATE);
}

int Sync(sqlite3_file* base, int /*flags*/) {
  Handle& handle = AsHandle(base);
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.Dead()) {
    return SQLITE_IOERR_FSYNC;
  }
  handle.disk->Sync(handle);
  return SQLITE_OK;
}

int FileSize(sqlite3_file* base, sqlite3_int64* size) {
  Handle& handle = AsHandle(base);
  const std::lock_guard lock(handle.disk->mutex);
  if (handle.Dead()) {
    return SQLITE_IOERR_FSTAT;
  }
  *size = static_cast<sqlite3_int64>(handle.file->image.size());
  return SQLITE_OK;
}

// SQLite's lock levels between the handles of one file: readers share, one may reserve, a writer stands
// alone.
int Lock(sqlite3_file* base, int level) {
  Handle& handle = AsHandle(base);
  const std::lock_guard lock(handle.disk->mutex);
  int highest_other = SQLITE_LOCK_NONE;
  for (const auto& [other, other_level] : handle.file->locks) {
    if (other != &handle) {
      highest_other = std::max(highest_other, other_level);
    }
  }
  const bool granted = level == SQLITE_LOCK_SHARED     ? highest_other < SQLITE_LOCK_PENDING
                       : level == SQLITE_LOCK_RESERVED ? highest_other < SQLITE_LOCK_RESERVED
                                                       : highest_other == SQLITE_LOCK_NONE;
  if (!granted) {
    return SQLITE_BUSY;
  }
  int& own = handle.file->locks[&handle];
  own = std::max(own, level);
  return SQLITE_OK;
}

int Unlock(sqlite3_file* base, int level) {
  Handle& handle = AsHandle(base);
  const std::lock_guard lock(handle.disk->mutex);
  handle.file->locks[&handle] = level;
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* base, int* reserved) {
  Handle& handle = AsHandle(base);
  const std::lock_guard lock(handle.disk->mutex);
  *reserved = 0;
  for (const auto& entry : handle.file->locks) {
    *reserved |= entry.second >= SQLITE_LOCK_RESERVED ? 1 : 0;
  }
  return SQLITE_OK;
}

int FileControl(sqlite3_file* /*base*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
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

FaultyVfs::Disk& DiskOf(sqlite3_vfs* vfs) {
  return *static_cast<FaultyVfs::Disk*>(vfs->pAppData);
}

int VfsOpen(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  FaultyVfs::Disk& disk = DiskOf(vfs);
  const std::lock_guard lock(disk.mutex);
  const int code = disk.Open(path, new (file) Handle, flags);
  if (code != SQLITE_OK) {
    AsHandle(file).~Handle();
    file->pMethods = nullptr;
    return code;
  }
  file->pMethods = &kMethods;
  if (out_flags != nullptr) {
    *out_flags = flags;
  }
  return SQLITE_OK;
}

int VfsDelete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  FaultyVfs::Disk& disk = DiskOf(vfs);
  const std::lock_guard lock(disk.mutex);
  return disk.powered ? disk.Delete(path, sync_directory != 0) : SQLITE_IOERR_DELETE;
}

int VfsAccess(sqlite3_vfs* vfs, const char* path, int /*flags*/, int* result) {
  FaultyVfs::Disk& disk = DiskOf(vfs);
  const std::lock_guard lock(disk.mutex);
  *result = disk.files.count(path) != 0 ? 1 : 0;
  return disk.powered ? SQLITE_OK : SQLITE_IOERR_ACCESS;
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

FaultyVfs::Disk::Disk(std::string disk_name) : name(std::move(disk_name)) {
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

int FaultyVfs::Disk::Open(const char* path, Handle* handle, int flags) {
  handle->disk = this;
  handle->boot = boot;
  if (!powered) {
    return SQLITE_CANTOPEN;
  }
  if (path == nullptr) {  // a temporary file that nobody else can name
    handle->file = std::make_shared<StoredFile>();
    return SQLITE_OK;
  }
  handle->path = path;
  const auto existing = files.find(handle->path);
  if (existing != files.end()) {
    handle->file = existing->second;
  } else if ((flags & SQLITE_OPEN_CREATE) == 0) {
    return SQLITE_CANTOPEN;
  } else {
    handle->file = std::make_shared<StoredFile>();
    files[handle->path] = handle->file;
    handle->sync_directory_once =
        (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  }
  handle->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  return SQLITE_OK;
}

int FaultyVfs::Disk::Delete(const std::string& path, bool sync_directory) {
  if (files.erase(path) == 0) {
    return SQLITE_IOERR_DELETE_NOENT;
  }
  if (sync_directory) {
    SyncDirectory(ParentOf(path));
  }
  return SQLITE_OK;
}

void FaultyVfs::Disk::Sync(Handle& handle) {
  ++sync_counts[handle.path];
  for (const Change& change : handle.file->unsynced) {
    Apply(change, handle.file->durable);
  }
  handle.file->unsynced.clear();
  if (handle.sync_directory_once) {
    handle.sync_directory_once = false;
    SyncDirectory(ParentOf(handle.path));
  }
}

void FaultyVfs::Disk::SyncDirectory(const std::string& directory) {
  std::erase_if(durable_files, [&](const auto& entry) { return ParentOf(entry.first) == directory; });
  for (const auto& [path, file] : files) {
    if (ParentOf(path) == directory) {
      durable_files[path] = file;
    }
  }
}

FaultyVfs::FaultyVfs(const std::string& name) : disk_(std::make_unique<Disk>(name)) {}

FaultyVfs::~FaultyVfs() = default;

const std::string& FaultyVfs::Name() const {
  return disk_->name;
}

void FaultyVfs::PowerCut() {
  const std::lock_guard lock(disk_->mutex);
  disk_->powered = false;
  // Dead handles keep the file objects that they had; what stands on the disk now are new ones.
  Directory left;
  for (const auto& [path, file] : disk_->durable_files) {
    auto survivor = std::make_shared<StoredFile>();
    survivor->image = file->durable;
    survivor->durable = file->durable;
    left[path] = std::move(survivor);
  }
  disk_->files = left;
  disk_->durable_files = std::move(left);
}

void FaultyVfs::Restart() {
  const std::lock_guard lock(disk_->mutex);
  ++disk_->boot;
  disk_->powered = true;
}

std::uint64_t FaultyVfs::SyncCount(const std::string& path) const {
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->sync_counts.find(path);
  return found == disk_->sync_counts.end() ? 0 : found->second;
}

std::uint64_t FaultyVfs::UnsyncedBytes(const std::string& path) const {
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->files.find(path);
  std::uint64_t bytes = 0;
  if (found != disk_->files.end()) {
    for (const Change& change : found->second->unsynced) {
      bytes += change.bytes.size();
    }
  }
  return bytes;
}

std::vector<std::string> FaultyVfs::Files() const {
  const std::lock_guard lock(disk_->mutex);
  std::vector<std::string> paths;
  for (const auto& entry : disk_->files) {
    paths.push_back(entry.first);
  }
  return paths;
}

}  // namespace tillwire
