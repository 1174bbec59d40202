#include "tests/fakes/faulty_disk.h"

#include <algorithm>
#include <utility>

namespace tillwire {
namespace {

std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

class FaultyDisk::OpenFile {
 public:
  std::shared_ptr<StoredFile> file;
  std::string path;
  std::uint64_t boot = 0;
  bool sync_directory_once = false;
};

std::shared_ptr<FaultyDisk::OpenFile> FaultyDisk::Open(const std::string& path, bool create,
                                                       NameSync name_sync) {
  const std::lock_guard lock(mutex_);
  if (!powered_) {
    return nullptr;
  }
  auto handle = std::make_shared<OpenFile>();
  handle->path = path;
  handle->boot = boot_;
  if (path.empty()) {
    handle->file = std::make_shared<StoredFile>();
    return handle;
  }
  const auto existing = files_.find(path);
  if (existing != files_.end()) {
    handle->file = existing->second;
  } else if (create) {
    handle->file = std::make_shared<StoredFile>();
    handle->sync_directory_once = name_sync == NameSync::kWithFirstSyncOfFile;
    files_[path] = handle->file;
  } else {
    return nullptr;
  }
  return handle;
}

bool FaultyDisk::Read(const OpenFile& file, std::size_t offset, std::size_t size, std::string& bytes) const {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file)) {
    return false;
  }
  const std::string& image = file.file->image;
  bytes = offset < image.size() ? image.substr(offset, size) : std::string();
  return true;
}

bool FaultyDisk::Write(OpenFile& file, std::size_t offset, std::string_view bytes) {
  return Make(file, {offset, std::string(bytes), false});
}

bool FaultyDisk::Truncate(OpenFile& file, std::size_t size) {
  return Make(file, {size, {}, true});
}

bool FaultyDisk::Sync(OpenFile& file) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file)) {
    return false;
  }
  ++sync_counts_[file.path];
  for (const Change& change : file.file->unsynced) {
    Apply(change, file.file->durable);
  }
  file.file->unsynced.clear();
  if (std::exchange(file.sync_directory_once, false)) {
    SyncDirectory(ParentOf(file.path));
  }
  return true;
}

std::optional<std::size_t> FaultyDisk::Size(const OpenFile& file) const {
  const std::lock_guard lock(mutex_);
  return AliveLocked(file) ? std::optional(file.file->image.size()) : std::nullopt;
}

bool FaultyDisk::Alive(const OpenFile& file) const {
  const std::lock_guard lock(mutex_);
  return AliveLocked(file);
}

bool FaultyDisk::Delete(const std::string& path, bool sync_directory) {
  const std::lock_guard lock(mutex_);
  if (!powered_ || files_.erase(path) == 0) {
    return false;
  }
  if (sync_directory) {
    SyncDirectory(ParentOf(path));
  }
  return true;
}

bool FaultyDisk::Exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return files_.count(path) != 0;
}

bool FaultyDisk::Powered() const {
  const std::lock_guard lock(mutex_);
  return powered_;
}

void FaultyDisk::PowerCut() {
  const std::lock_guard lock(mutex_);
  powered_ = false;
  // Dead handles keep the file objects that they had; what stands on the disk now are new ones.
  Directory left;
  for (const auto& [path, file] : durable_files_) {
    auto survivor = std::make_shared<StoredFile>();
    survivor->image = file->durable;
    survivor->durable = file->durable;
    left[path] = std::move(survivor);
  }
  files_ = left;
  durable_files_ = std::move(left);
}

void FaultyDisk::Restart() {
  const std::lock_guard lock(mutex_);
  ++boot_;
  powered_ = true;
}

std::uint64_t FaultyDisk::SyncCount(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = sync_counts_.find(path);
  return found == sync_counts_.end() ? 0 : found->second;
}

std::uint64_t FaultyDisk::UnsyncedBytes(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  std::uint64_t bytes = 0;
  if (found != files_.end()) {
    for (const Change& change : found->second->unsynced) {
      bytes += change.bytes.size();
    }
  }
  return bytes;
}

std::vector<std::string> FaultyDisk::Paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& entry : files_) {
    paths.push_back(entry.first);
  }
  return paths;
}

void FaultyDisk::Apply(const Change& change, std::string& content) {
  if (change.truncates) {
    content.resize(std::min(content.size(), change.offset));
    return;
  }
  content.resize(std::max(content.size(), change.offset + change.bytes.size()));
  content.replace(change.offset, change.bytes.size(), change.bytes);
}

bool FaultyDisk::AliveLocked(const OpenFile& file) const {
  return powered_ && file.boot == boot_;
}

bool FaultyDisk::Make(OpenFile& file, Change change) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file)) {
    return false;
  }
  Apply(change, file.file->image);
  file.file->unsynced.push_back(std::move(change));
  return true;
}

void FaultyDisk::SyncDirectory(const std::string& directory) {
  std::erase_if(durable_files_, [&](const auto& entry) { return ParentOf(entry.first) == directory; });
  for (const auto& [path, file] : files_) {
    if (ParentOf(path) == directory) {
      durable_files_[path] = file;
    }
  }
}

}  // namespace tillwire
