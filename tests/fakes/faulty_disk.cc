#include "tests/fakes/faulty_disk.h"

#include <algorithm>
#include <utility>

namespace tillwire {
namespace {

// A write that the power cut tears is torn between these.
constexpr std::size_t kSectorBytes = 512;

std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool Heads(Rng& rng) {
  return rng.Next() % 2 == 0;
}

}  // namespace

class FaultyDisk::OpenFile {
 public:
  std::shared_ptr<StoredFile> file;
  std::string path;
  std::uint64_t run = 0;
  bool sync_directory_once = false;
};

std::shared_ptr<FaultyDisk::OpenFile> FaultyDisk::Open(const std::string& path, bool create,
                                                       NameSync name_sync) {
  const std::lock_guard lock(mutex_);
  if (!powered_ || !runs_) return nullptr;
  auto handle = std::make_shared<OpenFile>();
  handle->path = path;
  handle->run = run_;
  if (path.empty()) {
    handle->file = std::make_shared<StoredFile>();
    return handle;
  }
  const auto existing = files_.find(path);
  if (existing != files_.end()) {
    handle->file = existing->second;
    return handle;
  }
  if (!create || Strikes(DiskFault::kReadOnly) || Strikes(DiskFault::kNoSpace) || EndsNow()) {
    return nullptr;
  }
  handle->file = std::make_shared<StoredFile>();
  handle->sync_directory_once = name_sync == NameSync::kWithFirstSyncOfFile;
  files_[path] = handle->file;
  return handle;
}

DiskOutcome FaultyDisk::Read(const OpenFile& file, std::size_t offset, std::size_t size, std::string& bytes) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file) || Strikes(DiskFault::kReadError)) return DiskOutcome::kIoError;
  const std::string& image = file.file->image;
  bytes = offset < image.size() ? image.substr(offset, size) : std::string();
  return DiskOutcome::kOk;
}

DiskOutcome FaultyDisk::Write(OpenFile& file, std::size_t offset, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file) || EndsNow()) return DiskOutcome::kIoError;
  if (Strikes(DiskFault::kReadOnly)) return DiskOutcome::kReadOnly;
  if (Strikes(DiskFault::kWriteError)) return DiskOutcome::kIoError;
  const std::size_t end = offset + bytes.size();
  const std::size_t growth = end > file.file->image.size() ? end - file.file->image.size() : 0;
  if (Strikes(DiskFault::kNoSpace) || (growth > 0 && capacity_ && UsedLocked() + growth > *capacity_)) {
    return DiskOutcome::kNoSpace;
  }
  Change change{offset, std::string(bytes), false, false};
  Apply(change, file.file->image);
  file.file->unsynced.push_back(std::move(change));
  return DiskOutcome::kOk;
}

DiskOutcome FaultyDisk::Truncate(OpenFile& file, std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file) || EndsNow()) return DiskOutcome::kIoError;
  if (Strikes(DiskFault::kReadOnly)) return DiskOutcome::kReadOnly;
  if (Strikes(DiskFault::kWriteError)) return DiskOutcome::kIoError;
  Change change{size, {}, true, false};
  Apply(change, file.file->image);
  file.file->unsynced.push_back(std::move(change));
  return DiskOutcome::kOk;
}

DiskOutcome FaultyDisk::Sync(OpenFile& file) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file) || EndsNow()) return DiskOutcome::kIoError;
  if (Strikes(DiskFault::kSyncError)) {
    for (Change& change : file.file->unsynced) change.given_up = true;
    return hides_sync_errors_ ? DiskOutcome::kOk : DiskOutcome::kIoError;
  }
  ++sync_counts_[file.path];
  for (const Change& change : file.file->unsynced) {
    if (!change.given_up) Apply(change, file.file->durable);
  }
  file.file->unsynced.clear();
  if (std::exchange(file.sync_directory_once, false)) SyncDirectory(ParentOf(file.path));
  return DiskOutcome::kOk;
}

std::optional<std::size_t> FaultyDisk::Size(const OpenFile& file) const {
  const std::lock_guard lock(mutex_);
  return AliveLocked(file) ? std::optional(file.file->image.size()) : std::nullopt;
}

DiskOutcome FaultyDisk::Rename(OpenFile& file, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file) || EndsNow()) return DiskOutcome::kIoError;
  if (Strikes(DiskFault::kReadOnly)) return DiskOutcome::kReadOnly;
  unsynced_renames_.push_back({file.path, to, file.file});
  files_.erase(file.path);
  files_[to] = file.file;
  file.path = to;
  return DiskOutcome::kOk;
}

DiskOutcome FaultyDisk::SyncDirectoryOf(OpenFile& file) {
  const std::lock_guard lock(mutex_);
  if (!AliveLocked(file) || EndsNow() || Strikes(DiskFault::kSyncError)) return DiskOutcome::kIoError;
  SyncDirectory(ParentOf(file.path));
  return DiskOutcome::kOk;
}

bool FaultyDisk::Alive(const OpenFile& file) const {
  const std::lock_guard lock(mutex_);
  return AliveLocked(file);
}

FaultyDisk::Deletion FaultyDisk::Delete(const std::string& path, bool sync_directory) {
  const std::lock_guard lock(mutex_);
  if (!powered_ || !runs_ || EndsNow()) return Deletion::kFailed;
  if (files_.count(path) == 0) return Deletion::kNoFile;
  if (Strikes(DiskFault::kReadOnly)) return Deletion::kFailed;
  files_.erase(path);
  if (sync_directory) SyncDirectory(ParentOf(path));
  return Deletion::kDone;
}

bool FaultyDisk::Exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return files_.count(path) != 0;
}

bool FaultyDisk::Powered() const {
  const std::lock_guard lock(mutex_);
  return powered_;
}

bool FaultyDisk::ProgramRuns() const {
  const std::lock_guard lock(mutex_);
  return powered_ && runs_;
}

bool FaultyDisk::ReadOnly() const {
  const std::lock_guard lock(mutex_);
  return ReadOnlyLocked();
}

void FaultyDisk::FailAt(DiskFault fault, std::uint64_t nth, Lasting lasting) {
  const std::lock_guard lock(mutex_);
  plans_[fault] = {nth, lasting, false};
}

void FaultyDisk::HideSyncErrors() {
  const std::lock_guard lock(mutex_);
  hides_sync_errors_ = true;
}

void FaultyDisk::Heal() {
  const std::lock_guard lock(mutex_);
  plans_.clear();
}

bool FaultyDisk::Struck() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(plans_.begin(), plans_.end(), [](const auto& plan) { return plan.second.struck; });
}

void FaultyDisk::SetCapacity(std::optional<std::uint64_t> bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t FaultyDisk::UsedBytes() const {
  const std::lock_guard lock(mutex_);
  return UsedLocked();
}

std::optional<std::uint64_t> FaultyDisk::FreeBytes() const {
  const std::lock_guard lock(mutex_);
  if (!capacity_) return std::nullopt;
  const std::uint64_t used = UsedLocked();
  return used < *capacity_ ? *capacity_ - used : 0;
}

void FaultyDisk::PowerCut(Rng* rng) {
  const std::lock_guard lock(mutex_);
  PowerCutLocked(rng);
}

void FaultyDisk::PowerCutAt(std::uint64_t nth, Rng* rng) {
  const std::lock_guard lock(mutex_);
  planned_end_ = {nth, true, rng};
}

void FaultyDisk::KillProgram() {
  const std::lock_guard lock(mutex_);
  ++run_;
  runs_ = false;
}

void FaultyDisk::KillProgramAt(std::uint64_t nth) {
  const std::lock_guard lock(mutex_);
  planned_end_ = {nth, false, nullptr};
}

void FaultyDisk::CancelPlan() {
  const std::lock_guard lock(mutex_);
  planned_end_.reset();
}

std::uint64_t FaultyDisk::Changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

void FaultyDisk::Restart() {
  const std::lock_guard lock(mutex_);
  ++run_;
  powered_ = true;
  runs_ = true;
}

bool FaultyDisk::FlipBit(const std::string& path, std::size_t byte, unsigned bit) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  if (found == files_.end() || byte >= found->second->image.size()) return false;
  const auto flip = [&](std::string& content) {
    if (byte < content.size()) content[byte] = static_cast<char>(content[byte] ^ (1 << bit));
  };
  flip(found->second->image);
  flip(found->second->durable);
  return true;
}

std::map<std::string, std::string> FaultyDisk::Copy(const std::string& path_prefix) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> files;
  for (const auto& [path, file] : files_) {
    if (path.starts_with(path_prefix)) files[path] = file->image;
  }
  return files;
}

void FaultyDisk::Replace(const std::string& path_prefix, const std::map<std::string, std::string>& files) {
  const std::lock_guard lock(mutex_);
  for (Directory* directory : {&files_, &durable_files_}) {
    std::erase_if(*directory, [&](const auto& entry) { return entry.first.starts_with(path_prefix); });
  }
  for (const auto& [path, content] : files) {
    auto file = std::make_shared<StoredFile>();
    file->image = content;
    file->durable = content;
    files_[path] = file;
    durable_files_[path] = std::move(file);
  }
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
    for (const Change& change : found->second->unsynced) bytes += change.bytes.size();
  }
  return bytes;
}

std::vector<std::string> FaultyDisk::Paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& entry : files_) paths.push_back(entry.first);
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

std::string FaultyDisk::Survivor(const StoredFile& file, Rng& rng) {
  std::string content = file.durable;
  for (const Change& change : file.unsynced) {
    if (Heads(rng)) continue;
    if (change.truncates || Heads(rng)) {
      Apply(change, content);
      continue;
    }
    // Sector by sector, from where the file's sectors begin.
    std::size_t begin = 0;
    while (begin < change.bytes.size()) {
      const std::size_t sector_end = ((change.offset + begin) / kSectorBytes + 1) * kSectorBytes;
      const std::size_t end = std::min(change.bytes.size(), sector_end - change.offset);
      if (Heads(rng))
        Apply({change.offset + begin, change.bytes.substr(begin, end - begin), false, false}, content);
      begin = end;
    }
  }
  return content;
}

bool FaultyDisk::AliveLocked(const OpenFile& file) const {
  return powered_ && file.run == run_;
}

bool FaultyDisk::ReadOnlyLocked() const {
  const auto plan = plans_.find(DiskFault::kReadOnly);
  return plan != plans_.end() && plan->second.struck && plan->second.lasting == Lasting::kForEver;
}

bool FaultyDisk::Strikes(DiskFault fault) {
  const auto found = plans_.find(fault);
  if (found == plans_.end()) return false;
  Plan& plan = found->second;
  if (plan.calls_left > 1) {
    --plan.calls_left;
    return false;
  }
  if (plan.struck && plan.lasting == Lasting::kOnce) return false;
  plan.struck = true;
  return true;
}

bool FaultyDisk::EndsNow() {
  if (planned_end_ && --planned_end_->changes_left == 0) {
    const PlannedEnd end = *planned_end_;
    planned_end_.reset();
    if (end.of_power) {
      PowerCutLocked(end.rng);
    } else {
      ++run_;
      runs_ = false;
    }
    return true;
  }
  ++changes_;
  return false;
}

void FaultyDisk::PowerCutLocked(Rng* rng) {
  powered_ = false;
  Directory names = durable_files_;
  if (rng != nullptr) {
    const auto renamed = [&](const std::string& path) {
      return std::any_of(unsynced_renames_.begin(), unsynced_renames_.end(),
                         [&](const RenamedFile& rename) { return rename.from == path || rename.to == path; });
    };
    for (const auto& [path, file] : files_) {
      const auto durable = durable_files_.find(path);
      const bool pending = durable == durable_files_.end() || durable->second != file;
      if (pending && !renamed(path) && Heads(*rng)) names[path] = file;
    }
    std::erase_if(names, [&](const auto& entry) {
      return files_.count(entry.first) == 0 && !renamed(entry.first) && Heads(*rng);
    });
    // One after the other, as a journal has them.
    for (const RenamedFile& rename : unsynced_renames_) {
      if (!Heads(*rng)) break;
      names.erase(rename.from);
      names[rename.to] = rename.file;
    }
  }
  // Dead handles keep the file objects that they had; what stands on the disk now are new ones.
  Directory left;
  for (const auto& [path, file] : names) {
    auto survivor = std::make_shared<StoredFile>();
    survivor->image = rng != nullptr ? Survivor(*file, *rng) : file->durable;
    survivor->durable = survivor->image;
    left[path] = std::move(survivor);
  }
  files_ = left;
  durable_files_ = std::move(left);
  unsynced_renames_.clear();
}

std::uint64_t FaultyDisk::UsedLocked() const {
  std::uint64_t bytes = 0;
  for (const auto& entry : files_) bytes += entry.second->image.size();
  return bytes;
}

void FaultyDisk::SyncDirectory(const std::string& directory) {
  std::erase_if(durable_files_, [&](const auto& entry) { return ParentOf(entry.first) == directory; });
  for (const auto& [path, file] : files_) {
    if (ParentOf(path) == directory) durable_files_[path] = file;
  }
  std::erase_if(unsynced_renames_, [&](const auto& rename) { return ParentOf(rename.to) == directory; });
}

}  // namespace tillwire
