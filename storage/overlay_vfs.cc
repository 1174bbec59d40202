#include "storage/overlay_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/vfs_control.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kBlockBytes = 4096;

using Block = std::array<char, kBlockBytes>;

// A file of the VFS below, open for reading.
class FileBelow {
 public:
  // Null where there is none, or it can't be opened.
  static std::unique_ptr<FileBelow> Open(sqlite3_vfs* vfs, const std::string& path) {
    std::unique_ptr<FileBelow> file(new FileBelow(vfs, path));
    constexpr int kFlags = SQLITE_OPEN_READONLY | SQLITE_OPEN_SUPER_JOURNAL;
    int exists = 0;
    if (vfs->xAccess(vfs, path.c_str(), SQLITE_ACCESS_EXISTS, &exists) != SQLITE_OK || exists == 0)
      return nullptr;
    if (vfs->xOpen(vfs, file->path_.c_str(), file->Get(), kFlags, nullptr) != SQLITE_OK) return nullptr;
    return file;
  }
  ~FileBelow() {
    if (Get()->pMethods != nullptr) Get()->pMethods->xClose(Get());
  }
  FileBelow(const FileBelow&) = delete;
  FileBelow& operator=(const FileBelow&) = delete;

  [[nodiscard]] std::optional<std::uint64_t> Size() {
    sqlite3_int64 size = 0;
    if (Get()->pMethods->xFileSize(Get(), &size) != SQLITE_OK) return std::nullopt;
    return static_cast<std::uint64_t>(size);
  }
  bool Read(std::uint64_t offset, char* target, std::uint64_t amount) {
    return Get()->pMethods->xRead(Get(), target, static_cast<int>(amount),
                                  static_cast<sqlite3_int64>(offset)) == SQLITE_OK;
  }

 private:
  FileBelow(const sqlite3_vfs* vfs, std::string path)
      : path_(std::move(path)),
        storage_(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1) {}
  sqlite3_file* Get() { return reinterpret_cast<sqlite3_file*>(storage_.data()); }

  const std::string path_;  // the VFS keeps a pointer to it
  std::vector<std::max_align_t> storage_;
};

// What an overlay may hold, and holds.
struct Budget {
  std::uint64_t max_bytes = kMaxOverlayBytes;
  std::uint64_t used_bytes = 0;
};

// A file: what the disk has of it, below what was changed.
class OverlayFile {
 public:
  explicit OverlayFile(Budget& budget) : budget_(budget) {}
  OverlayFile(std::unique_ptr<FileBelow> disk, std::uint64_t size, Budget& budget)
      : disk_(std::move(disk)), disk_size_(size), size_(size), budget_(budget) {}

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
    budget_.used_bytes -= kBlockBytes * static_cast<std::uint64_t>(std::distance(first, blocks_.end()));
    blocks_.erase(first, blocks_.end());
    size_ = size;
    disk_size_ = std::min(disk_size_, size);
    return SQLITE_OK;
  }

 private:
  // Zeros beyond what the disk has.
  bool ReadDisk(std::uint64_t offset, char* target, std::uint64_t wanted) const {
    const std::uint64_t there = offset < disk_size_ ? std::min(wanted, disk_size_ - offset) : 0;
    if (there > 0 && !disk_->Read(offset, target, there)) return false;
    std::memset(target + there, 0, wanted - there);
    return true;
  }

  int Changeable(std::uint64_t number, Block*& block) {
    auto& slot = blocks_[number];
    if (!slot) {
      if (budget_.used_bytes + kBlockBytes > budget_.max_bytes) {
        blocks_.erase(number);
        return SQLITE_FULL;
      }
      slot = std::make_unique<Block>();
      if (!ReadDisk(number * kBlockBytes, slot->data(), kBlockBytes)) {
        blocks_.erase(number);
        return SQLITE_IOERR_READ;
      }
      budget_.used_bytes += kBlockBytes;
    }
    block = slot.get();
    return SQLITE_OK;
  }

  std::unique_ptr<FileBelow> disk_;
  std::uint64_t disk_size_ = 0;  // that much of the disk's file still counts
  std::uint64_t size_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Block>> blocks_;
  Budget& budget_;
};

}  // namespace

class OverlayVfs::Files {
 public:
  Files(std::uint64_t max_bytes, const std::string& below);
  ~Files() { sqlite3_vfs_unregister(&vfs_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  // Null if there is none and none shall be made.
  std::shared_ptr<OverlayFile> Open(const std::string& path, bool create) {
    auto found = Find(path);
    if (!found && create) {
      found = std::make_shared<OverlayFile>(budget_);
      files_[path] = found;
    }
    return found;
  }
  std::shared_ptr<OverlayFile> OpenUnnamed() { return std::make_shared<OverlayFile>(budget_); }
  [[nodiscard]] bool Exists(const std::string& path) { return Find(path) != nullptr; }
  void Delete(const std::string& path) { files_[path] = nullptr; }
  void Rename(const std::string& from, const std::string& to) {
    files_[to] = std::exchange(files_[from], nullptr);
  }
  [[nodiscard]] sqlite3_vfs* Below() const { return below_; }

  [[nodiscard]] const std::string& Name() const { return name_; }

 private:
  // What was opened or deleted before is not looked for on the disk again.
  std::shared_ptr<OverlayFile> Find(const std::string& path) {
    if (const auto known = files_.find(path); known != files_.end()) return known->second;
    auto disk = FileBelow::Open(below_, path);
    const auto size = disk ? disk->Size() : std::nullopt;
    if (!size) return nullptr;
    return files_[path] = std::make_shared<OverlayFile>(std::move(disk), *size, budget_);
  }

  const std::string name_;
  Budget budget_;
  sqlite3_vfs* below_ = nullptr;
  std::map<std::string, std::shared_ptr<OverlayFile>> files_;  // null: deleted
  sqlite3_vfs vfs_{};
};

namespace {

// What SQLite holds for an open file; `base` must come first.
struct Handle {
  sqlite3_file base{};
  std::shared_ptr<OverlayFile> file;
  OverlayVfs::Files* files = nullptr;
  std::string path;
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

int FileControl(sqlite3_file* base, int operation, void* argument) {
  Handle& handle = *reinterpret_cast<Handle*>(base);
  switch (operation) {
    case vfs_control::kFreeBytes:
      return SQLITE_ERROR;  // it has no disk
    case vfs_control::kRename:
      handle.files->Rename(handle.path, static_cast<const char*>(argument));
      return SQLITE_OK;
    case vfs_control::kSyncDirectory:
      return SQLITE_OK;
    default:
      return SQLITE_NOTFOUND;
  }
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
  handle.files = &FilesOf(vfs);
  handle.path = path == nullptr ? "" : path;
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

int VfsRandomness(sqlite3_vfs* vfs, int size, char* out) {
  return FilesOf(vfs).Below()->xRandomness(FilesOf(vfs).Below(), size, out);
}

int VfsSleep(sqlite3_vfs* vfs, int microseconds) {
  return FilesOf(vfs).Below()->xSleep(FilesOf(vfs).Below(), microseconds);
}

int VfsCurrentTime(sqlite3_vfs* vfs, double* now) {
  return FilesOf(vfs).Below()->xCurrentTime(FilesOf(vfs).Below(), now);
}

// Each overlay of a process has a name of its own.
std::string NextName() {
  static std::atomic<std::uint64_t> count = 0;
  return "tillwire-overlay-" + std::to_string(++count);
}

}  // namespace

OverlayVfs::Files::Files(std::uint64_t max_bytes, const std::string& below) : name_(NextName()) {
  budget_.max_bytes = max_bytes;
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
  // SQLite finds a VFS only once it has set itself up.
  if (sqlite3_initialize() == SQLITE_OK) below_ = sqlite3_vfs_find(below.empty() ? nullptr : below.c_str());
  if (below_ == nullptr || sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) {
    throw std::runtime_error("SQLite refused to register the VFS " + name_);
  }
}

OverlayVfs::OverlayVfs(std::uint64_t max_bytes, const std::string& below)
    : files_(std::make_unique<Files>(max_bytes, below)) {}
OverlayVfs::~OverlayVfs() = default;
const std::string& OverlayVfs::Name() const {
  return files_->Name();
}

}  // namespace tillwire
