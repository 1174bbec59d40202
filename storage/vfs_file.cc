#include "storage/vfs_file.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace tillwire {

class VfsFile::Impl {
 public:
  explicit Impl(std::string path) : path_(std::move(path)) {}
  ~Impl() {
    if (File()->pMethods != nullptr) File()->pMethods->xClose(File());
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> Open(const std::string& vfs_name) {
    sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
    if (vfs == nullptr) {
      return Error{ErrorCode::kUnavailable, "SQLite knows no VFS " + vfs_name, "name one that is registered"};
    }
    storage_.assign(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1, {});
    // Of the kinds of files that SQLite knows, this one is synced together with its directory once, and makes
    // no claims on names.
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL;
    return Check("open", vfs->xOpen(vfs, path_.c_str(), File(), kFlags, nullptr));
  }

  Result<std::string> Read(std::size_t offset, std::size_t size) {
    sqlite3_int64 length = 0;
    if (auto found = Check("look at", File()->pMethods->xFileSize(File(), &length)); !found)
      return found.error();
    const auto end = std::min(static_cast<std::size_t>(length), offset + size);
    std::string bytes(end > offset ? end - offset : 0, '\0');
    if (bytes.empty()) return bytes;
    const int code = File()->pMethods->xRead(File(), bytes.data(), static_cast<int>(bytes.size()),
                                             static_cast<sqlite3_int64>(offset));
    if (auto read = Check("read", code); !read) return read.error();
    return bytes;
  }

  Result<void> Write(std::size_t offset, std::string_view bytes) {
    return Check("write", File()->pMethods->xWrite(File(), bytes.data(), static_cast<int>(bytes.size()),
                                                   static_cast<sqlite3_int64>(offset)));
  }

  Result<void> Sync() { return Check("sync", File()->pMethods->xSync(File(), SQLITE_SYNC_NORMAL)); }

 private:
  sqlite3_file* File() { return reinterpret_cast<sqlite3_file*>(storage_.data()); }

  [[nodiscard]] Result<void> Check(const char* what, int code) const {
    if (code == SQLITE_OK) return {};
    const bool full = (code & 0xff) == SQLITE_FULL;
    return Error{full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
                 std::string("cannot ") + what + " " + path_ + ": " + sqlite3_errstr(code) + " (code " +
                     std::to_string(code) + ")",
                 full ? "free space on that file system" : "check the disk"};
  }

  const std::string path_;  // the VFS keeps a pointer to it
  std::vector<std::max_align_t> storage_{1};
};

Result<std::unique_ptr<VfsFile>> VfsFile::Open(const std::filesystem::path& path, const std::string& vfs) {
  auto impl = std::make_unique<Impl>(path.string());
  if (auto opened = impl->Open(vfs); !opened) return opened.error();
  return std::unique_ptr<VfsFile>(new VfsFile(std::move(impl)));
}

VfsFile::VfsFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VfsFile::~VfsFile() = default;
Result<std::string> VfsFile::Read(std::size_t offset, std::size_t size) {
  return impl_->Read(offset, size);
}
Result<void> VfsFile::Write(std::size_t offset, std::string_view bytes) {
  return impl_->Write(offset, bytes);
}
Result<void> VfsFile::Sync() {
  return impl_->Sync();
}

}  // namespace tillwire
