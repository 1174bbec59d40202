#include "storage/vfs_file.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "platform/files.h"
#include "storage/vfs_call.h"
#include "storage/vfs_control.h"

namespace tillwire {

namespace {

Result<sqlite3_vfs*> FindVfs(const std::string& name) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(name.empty() ? nullptr : name.c_str());
  if (vfs != nullptr) return vfs;
  return Error{ErrorCode::kUnavailable, "SQLite knows no VFS " + name, "name one that is registered"};
}

}  // namespace

class VfsFile::Impl {
 public:
  explicit Impl(std::string path) : path_(std::move(path)) {}
  ~Impl() {
    if (File()->pMethods != nullptr) File()->pMethods->xClose(File());
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> Open(const std::string& vfs_name) {
    auto found = FindVfs(vfs_name);
    if (!found) return found.error();
    sqlite3_vfs* vfs = *found;
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

  Result<void> RenameTo(const std::filesystem::path& path) {
    std::string name = path.string();
    const int renamed = File()->pMethods->xFileControl(File(), vfs_control::kRename, name.data());
    if (renamed != SQLITE_NOTFOUND) {
      if (auto checked = Check("rename", renamed); !checked) return checked;
      return Check("sync the directory of",
                   File()->pMethods->xFileControl(File(), vfs_control::kSyncDirectory, nullptr));
    }
    if (std::rename(path_.c_str(), name.c_str()) != 0) return FileError("rename", path_, errno);
    return SyncDirectory(path.parent_path());
  }

  [[nodiscard]] std::optional<std::uint64_t> FreeBytes() { return FreeBytesAt(File(), path_); }

 private:
  sqlite3_file* File() { return reinterpret_cast<sqlite3_file*>(storage_.data()); }

  [[nodiscard]] Result<void> Check(const char* what, int code) const { return CheckVfs(what, path_, code); }

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
Result<void> VfsFile::RenameTo(const std::filesystem::path& path) {
  return impl_->RenameTo(path);
}
std::optional<std::uint64_t> VfsFile::FreeBytes() const {
  return impl_->FreeBytes();
}

Result<bool> VfsFile::Exists(const std::filesystem::path& path, const std::string& vfs) {
  auto found = FindVfs(vfs);
  if (!found) return found.error();
  int exists = 0;
  const int code = (*found)->xAccess(*found, path.c_str(), SQLITE_ACCESS_EXISTS, &exists);
  if (auto checked = CheckVfs("look at", path.string(), code); !checked) return checked.error();
  return exists != 0;
}

Result<void> VfsFile::Delete(const std::filesystem::path& path, const std::string& vfs) {
  auto found = FindVfs(vfs);
  if (!found) return found.error();
  const int code = (*found)->xDelete(*found, path.c_str(), /*syncDir=*/1);
  if (code == SQLITE_IOERR_DELETE_NOENT) return {};
  return CheckVfs("delete", path.string(), code);
}

}  // namespace tillwire
