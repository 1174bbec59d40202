#include "storage/database_replacement.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <utility>

#include "storage/database.h"
#include "storage/vfs_file.h"

namespace tillwire {
namespace {

std::filesystem::path Beside(const std::filesystem::path& path, const char* suffix) {
  return path.string() + suffix;
}

}  // namespace

DatabaseReplacement::DatabaseReplacement(std::filesystem::path database, std::string vfs)
    : database_(std::move(database)),
      log_(Beside(database_, "-wal")),
      copy_(Beside(database_, "-new")),
      ready_(Beside(database_, "-ready")),
      vfs_(std::move(vfs)) {}

Result<void> DatabaseReplacement::Finish() {
  const auto decided = VfsFile::Exists(ready_, vfs_);
  if (!decided) return decided.error();
  if (*decided) {
    // The log first, durably: it must never be taken for the copy's.
    if (auto deleted = VfsFile::Delete(log_, vfs_); !deleted) return deleted;
    auto ready = VfsFile::Open(ready_, vfs_);
    if (!ready) return ready.error();
    if (auto renamed = (*ready)->RenameTo(database_); !renamed) return renamed;
  }
  return DropCopy();
}

Result<void> DatabaseReplacement::DropCopy() {
  for (const char* suffix : {"", "-journal", "-wal"}) {
    const auto leftover = Beside(copy_, suffix);
    const auto exists = VfsFile::Exists(leftover, vfs_);
    if (!exists) return exists.error();
    if (!*exists) continue;
    if (auto deleted = VfsFile::Delete(leftover, vfs_); !deleted) return deleted;
  }
  return {};
}

Result<void> DatabaseReplacement::Replace(
    const std::function<Result<void>(const std::filesystem::path& copy)>& make) {
  if (auto finished = Finish(); !finished) return finished;
  if (auto made = make(copy_); !made) {
    // What can't be cleared away now is at the next Finish().
    static_cast<void>(DropCopy());
    return made;
  }
  {
    auto copy = VfsFile::Open(copy_, vfs_);
    if (!copy) return copy.error();
    if (auto synced = (*copy)->Sync(); !synced) return synced;
    if (auto decided = (*copy)->RenameTo(ready_); !decided) return decided;
  }
  return Finish();
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
