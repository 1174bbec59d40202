#include "storage/database_replacement.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <system_error>
#include <utility>

#include "storage/database.h"
#include "storage/vfs_file.h"

namespace tillwire {
namespace {

std::filesystem::path Beside(const std::filesystem::path& path, const char* suffix) {
  return path.string() + suffix;
}

// Of what is small enough to be read at once.
constexpr std::size_t kSmallFileBytes = 64 << 10;

Result<std::string> ReadSmallFile(const std::filesystem::path& path, const std::string& vfs) {
  auto file = VfsFile::Open(path, vfs);
  if (!file) return file.error();
  return (*file)->Read(0, kSmallFileBytes);
}

// Durable when it returns.
Result<void> WriteSmallFile(const std::filesystem::path& path, const std::string& vfs,
                            const std::string& content) {
  auto file = VfsFile::Open(path, vfs);
  if (!file) return file.error();
  if (auto written = (*file)->Write(0, content); !written) return written;
  return (*file)->Sync();
}

}  // namespace

DatabaseReplacement::DatabaseReplacement(std::filesystem::path database, std::string vfs)
    : database_(std::move(database)),
      log_(Beside(database_, "-wal")),
      copy_(Beside(database_, "-new")),
      ready_(Beside(database_, "-ready")),
      aside_(Beside(database_, "-aside")),
      vfs_(std::move(vfs)) {}

bool DatabaseReplacement::Stands(const std::filesystem::path& database) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(database, ignored) ||
         std::filesystem::is_regular_file(Beside(database, "-ready"), ignored);
}

Result<void> DatabaseReplacement::Finish() {
  const auto decided = VfsFile::Exists(ready_, vfs_);
  if (!decided) return decided.error();
  if (*decided) {
    const auto kept = VfsFile::Exists(aside_, vfs_);
    if (!kept) return kept.error();
    if (*kept) {
      if (auto set_aside = SetAside(); !set_aside) return set_aside;
    }
    // The log first, durably: it must never be taken for the copy's.
    if (auto deleted = VfsFile::Delete(log_, vfs_); !deleted) return deleted;
    auto ready = VfsFile::Open(ready_, vfs_);
    if (!ready) return ready.error();
    if (auto renamed = (*ready)->RenameTo(database_); !renamed) return renamed;
  }
  return DropCopy();
}

// What has its new name already was moved before a crash.
Result<void> DatabaseReplacement::SetAside() {
  auto names = ReadSmallFile(aside_, vfs_);
  if (!names) return names.error();
  const std::size_t line = names->find('\n');
  const std::string stem = (database_.parent_path() / names->substr(0, line)).string();
  for (const auto& [from, to] : {std::pair(database_, stem + ".db"), std::pair(log_, stem + ".db-wal")}) {
    const auto moved = VfsFile::Exists(to, vfs_);
    if (!moved) return moved.error();
    const auto here = VfsFile::Exists(from, vfs_);
    if (!here) return here.error();
    if (*moved || !*here) continue;
    auto file = VfsFile::Open(from, vfs_);
    if (!file) return file.error();
    if (auto renamed = (*file)->RenameTo(to); !renamed) return renamed;
  }
  const std::filesystem::path also = database_.parent_path() / names->substr(line + 1);
  const auto here = VfsFile::Exists(also, vfs_);
  if (!here) return here.error();
  if (!*here) return {};
  auto content = ReadSmallFile(also, vfs_);
  if (!content) return content.error();
  return WriteSmallFile(stem + also.extension().string(), vfs_, *content);
}

Result<void> DatabaseReplacement::DropCopy() {
  for (const auto& leftover : {copy_, Beside(copy_, "-journal"), Beside(copy_, "-wal"), aside_}) {
    const auto exists = VfsFile::Exists(leftover, vfs_);
    if (!exists) return exists.error();
    if (!*exists) continue;
    if (auto deleted = VfsFile::Delete(leftover, vfs_); !deleted) return deleted;
  }
  return {};
}

Result<void> DatabaseReplacement::Replace(const Make& make) {
  if (auto finished = Finish(); !finished) return finished;
  if (auto made = make(copy_); !made) {
    // What can't be cleared away now is at the next Finish().
    static_cast<void>(DropCopy());
    return made;
  }
  if (auto decided = Decide(); !decided) return decided;
  return Finish();
}

Result<void> DatabaseReplacement::ReplaceAndKeep(const Make& make, const std::string& stem,
                                                 const std::string& also) {
  return Replace([&](const std::filesystem::path& copy) -> Result<void> {
    if (auto made = make(copy); !made) return made;
    return WriteSmallFile(aside_, vfs_, stem + "\n" + also);
  });
}

Result<void> DatabaseReplacement::Decide() {
  auto copy = VfsFile::Open(copy_, vfs_);
  if (!copy) return copy.error();
  if (auto synced = (*copy)->Sync(); !synced) return synced;
  return (*copy)->RenameTo(ready_);
}

Result<void> CopyDatabase(const std::filesystem::path& database, const std::filesystem::path& copy,
                          const std::string& vfs) {
  try {
    {
      SQLite::Database from(database.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX,
                            /*aBusyTimeoutMs=*/0, vfs);
      KeepLogOnClose(from);
      from.exec("PRAGMA locking_mode = EXCLUSIVE");
      from.exec("PRAGMA wal_autocheckpoint = 0");
      SQLite::Statement vacuum(from, "VACUUM INTO ?");
      vacuum.bind(1, copy.string());
      vacuum.exec();
    }
    SQLite::Database made(copy.string(), SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX,
                          /*aBusyTimeoutMs=*/0, vfs);
    const std::string found = made.execAndGet("PRAGMA integrity_check(1)").getString();
    if (found == "ok") return {};
    return Error{ErrorCode::kDataLoss, "the copy of " + database.string() + " is damaged: " + found,
                 "check the disk and the memory of this machine"};
  } catch (const SQLite::Exception& exception) {
    Error error = ErrorFromSqlite(exception);
    error.message = "cannot copy " + database.string() + ": " + error.message;
    return error;
  }
}

}  // namespace tillwire
