#include "storage/overlay_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "platform/file_descriptor.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kBlockBytes = 4096;

using Block = std::array<char, kBlockBytes>;

// A file: what the disk has of it, below what was changed.
class OverlayFile {
 public:
  explicit OverlayFile(std::uint64_t& changed_bytes) : changed_bytes_(changed_bytes) {}
  OverlayFile(FileDescriptor disk, std::uint64_t size, std::uint64_t& changed_bytes)
      : disk_(std::move(disk)), disk_size_(size), size_(size), changed_bytes_(changed_bytes) {}

  [[nodiscard]] std::uint64_t Size() const { return size_; }

  // Whether the disk could be read. `target` is filled as far as the file goes; gives how far in `got`.
  bool Read(std::uint64_t offset, char* target, std::uint64_t wanted, std::uint64_t& got) const {
    got = offset < size_ ? std::min(wanted, size_ - offset) : 0;
    for (std::uint64_t done = 0; done < got;) {
      const std::uint64_t at = offset + done;
      const std::uint64_t within = at % kBlockBytes;
      const std::uint64_t part = std::min(kBlockBytes - within, got - done);
      const auto changed = blocks_.find(at / kBlockBytes);
      if (changed != blocks_.end()) {
        std::memcpy(target + done, changed->second->data() + within, part);
      } else if (!ReadDisk(at, target + done, part)) {
        return false;
      }
      done += part;
    }
    return true;
  }

  // An SQLite code.
  int Write(std::uint64_t offset, const char* source, std::uint64_t amount) {
    for (std::uint64_t done = 0; done < amount;) {
      const std::uint64_t at = offset + done;
      const std::uint64_t within = at % kBlockBytes;
      const std::uint64_t part = std::min(kBlockBytes - within, amount - done);
      Block* block = nullptr;
      if (const int code = Changeable(at / kBlockBytes, block); code != SQLITE_OK) return code;
      std::memcpy(block->data() + within, source + done, part);
      done += part;
    }
    size_ = std::max(size_, offset + amount);
    return SQLITE_OK;
  }

  int Truncate(std::uint64_t size) {
    if (size >= size_) return SQLITE_OK;
    if (size % kBlockBytes != 0) {
      // What grows over it later shall find zeros.
      Block* block = nullptr;
      if (const int code = Changeable(size / kBlockBytes, block); code != SQLITE_OK) return code;
      std::fill(block->begin() + static_cast<std::ptrdiff_t>(size % kBlockBytes), block->end(), '\0');
    }
    const auto first = blocks_.lower_bound((size + kBlockBytes - 1) / kBlockBytes);
    changed_bytes_ -= kBlockBytes * static_cast<std::uint64_t>(std::distance(first, blocks_.end()));
    blocks_.erase(first, blocks_.end());
    size_ = size;
    disk_size_ = std::min(disk_size_, size);
    return SQLITE_OK;
  }

 private:
  // Zeros beyond what the disk has.
  bool ReadDisk(std::uint64_t offset, char* target, std::uint64_t wanted) const {
    std::uint64_t done = 0;
    while (offset + done < disk_size_ && done < wanted) {
      const ssize_t got =
          pread(disk_.Get(), target + done, std::min(wanted - done, disk_size_ - offset - done),
                static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      done += static_cast<std::uint64_t>(got);
    }
    std::memset(target + done, 0, wanted - done);
    return true;
  }

  int Changeable(std::uint64_t number, Block*& block) {
    auto& slot = blocks_[number];
    if (!slot) {
      if (changed_bytes_ + kBlockBytes > kMaxOverlayBytes) {
        blocks_.erase(number);
        return SQLITE_FULL;
      }
      slot = std::make_unique<Block>();
      if (!ReadDisk(number * kBlockBytes, slot->data(), kBlockBytes)) {
        blocks_.erase(number);
        return SQLITE_IOERR_READ;
      }
      changed_bytes_ += kBlockBytes;
    }
    block = slot.get();
    return SQLITE_OK;
  }

  FileDescriptor disk_;
  std::uint64_t disk_size_ = 0;  // that much of the disk's file still counts
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Block>> blocks_;
  std::uint64_t& changed_bytes_;
};

}  // namespace

class OverlayVfs::Files {
 public:
  Files();
  ~Files() { sqlite3_vfs_unregister(&vfs_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  // Null if there is none and none shall be made.
  std::shared_ptr<OverlayFile> Open(const std::string& path, bool create) {
    auto found = Find(path);
    if (!found && create) {
      found = std::make_shared<OverlayFile>(changed_bytes_);
      files_[path] = found;
    }
    return found;
  }
  std::shared_ptr<OverlayFile> OpenUnnamed() { return std::make_shared<OverlayFile>(changed_bytes_); }
  [[nodiscard]] bool Exists(const std::string& path) { return Find(path) != nullptr; }
  void Delete(const std::string& path) { files_[path] = nullptr; }

  [[nodiscard]] const std::string& Name() const { return name_; }

 private:
  // What was opened or deleted before is not looked for on the disk again.
  std::shared_ptr<OverlayFile> Find(const std::string& path) {
    if (const auto known = files_.find(path); known != files_.end()) return known->second;
    FileDescriptor disk(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!disk.IsOpen() || fstat(disk.Get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    return files_[path] = std::make_shared<OverlayFile>(std::move(disk), size, changed_bytes_);
  }

  const std::string name_;
  std::uint64_t changed_bytes_ = 0;
  std::map<std::string, std::shared_ptr<OverlayFile>> files_;  // null: deleted
  sqlite3_vfs vfs_{};
};

namespace {

// What SQLite holds for an open file; `base` must come first.
struct Handle {
  sqlite3_file base{};
  std::shared_ptr<OverlayFile> file;
};

OverlayFile& FileOf(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file)->file;
}

OverlayVfs::Files& FilesOf(sqlite3_vfs* vfs) {
  return *static_cast<OverlayVfs::Files*>(vfs->pAppData);
}

int Close(sqlite3_file* base) {
  reinterpret_cast<Handle*>(base)->~Handle();
  return SQLITE_OK;
}

int Read(sqlite3_file* base, void* target, int amount, sqlite3_int64 offset) {
  const auto wanted = static_cast<std::uint64_t>(amount);
  std::uint64_t got = 0;
  if (!FileOf(base).Read(static_cast<std::uint64_t>(offset), static_cast<char*>(target), wanted, got)) {
    return SQLITE_IOERR_READ;
  }
  std::memset(static_cast<char*>(target) + got, 0, wanted - got);
  return got == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* base, const void* source, int amount, sqlite3_int64 offset) {
  return FileOf(base).Write(static_cast<std::uint64_t>(offset), static_cast<const char*>(source),
                            static_cast<std::uint64_t>(amount));
}

int Truncate(sqlite3_file* base, sqlite3_int64 size) {
  return FileOf(base).Truncate(static_cast<std::uint64_t>(size));
}

int Sync(sqlite3_file* /*base*/, int /*flags*/) {
  return SQLITE_OK;
}

int FileSize(sqlite3_file* base, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(FileOf(base).Size());
  return SQLITE_OK;
}

// Nobody else can see the overlay.
int Lock(sqlite3_file* /*base*/, int /*level*/) {
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* /*base*/, int* reserved) {
  *reserved = 0;
  return SQLITE_OK;
}

int FileControl(sqlite3_file* /*base*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}

int SectorSize(sqlite3_file* /*base*/) {
  return static_cast<int>(kBlockBytes);
}

int DeviceCharacteristics(sqlite3_file* /*base*/) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// Version 1: without shared memory, so SQLite takes a log on an exclusive connection alone.
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
  methods.xUnlock = Lock;
  methods.xCheckReservedLock = CheckReservedLock;
  methods.xFileControl = FileControl;
  methods.xSectorSize = SectorSize;
  methods.xDeviceCharacteristics = DeviceCharacteristics;
  return methods;
}();

int VfsOpen(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  auto opened = path == nullptr ? FilesOf(vfs).OpenUnnamed()
                                : FilesOf(vfs).Open(path, (flags & SQLITE_OPEN_CREATE) != 0);
  if (!opened) return SQLITE_CANTOPEN;
  Handle& handle = *new (file) Handle;
  handle.file = std::move(opened);
  file->pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int VfsDelete(sqlite3_vfs* vfs, const char* path, int /*sync_directory*/) {
  if (!FilesOf(vfs).Exists(path)) return SQLITE_IOERR_DELETE_NOENT;
  FilesOf(vfs).Delete(path);
  return SQLITE_OK;
}

int VfsAccess(sqlite3_vfs* vfs, const char* path, int /*flags*/, int* result) {
  *result = FilesOf(vfs).Exists(path) ? 1 : 0;
  return SQLITE_OK;
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

// Each overlay of a process has a name of its own.
std::string NextName() {
  static std::atomic<std::uint64_t> count = 0;
  return "tillwire-overlay-" + std::to_string(++count);
}

}  // namespace

OverlayVfs::Files::Files() : name_(NextName()) {
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(Handle);
  vfs_.mxPathname = 4096;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = VfsOpen;
  vfs_.xDelete = VfsDelete;
  vfs_.xAccess = VfsAccess;
  vfs_.xFullPathname = VfsFullPathname;
  vfs_.xRandomness = VfsRandomness;
  vfs_.xSleep = VfsSleep;
  vfs_.xCurrentTime = VfsCurrentTime;
  // SQLite finds "unix" only once it has set itself up.
  if (sqlite3_initialize() != SQLITE_OK || sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) {
    throw std::runtime_error("SQLite refused to register the VFS " + name_);
  }
}

OverlayVfs::OverlayVfs() : files_(std::make_unique<Files>()) {}
OverlayVfs::~OverlayVfs() = default;
const std::string& OverlayVfs::Name() const {
  return files_->Name();
}

}  // namespace tillwire
