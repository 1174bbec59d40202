#include "storage/database.h"

#include <sqlite3.h>

#include <algorithm>

#include "core/text.h"
#include "platform/files.h"
#include "storage/vfs_call.h"
#include "storage/vfs_control.h"

namespace tillwire {
namespace {

constexpr int kPageBytes = 4096;
// The log is moved into the database when it holds that many pages, some 12 MB: seldom enough that one
// capture in a hundred does not meet it, and pages that change often are then moved once. A log that grew
// beyond the limit is cut back to it.
constexpr int kCheckpointPages = 3000;
constexpr std::uint64_t kLogLimitBytes = 16ULL << 20;
constexpr int kCacheKib = 2048;

// Runs `body`, turning SQLiteCpp's exceptions into ours.
template <typename Body>
auto Guarded(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const SQLite::Exception& exception) {
    throw StorageFault(ErrorFromSqlite(exception));
  }
}

void Require(SQLite::Database& database, const std::string& pragma, const std::string& wanted) {
  const std::string found = database.execAndGet("PRAGMA " + pragma).getString();
  if (found == wanted) return;
  throw StorageFault({ErrorCode::kUnavailable,
                      "SQLite answers " + pragma + " = " + found + " where durability needs " + wanted,
                      "put the store on a local file system that supports it"});
}

void Configure(SQLite::Database& database, const DatabaseOptions& options, std::uint64_t max_bytes,
               std::uint64_t log_bytes) {
  // Exclusive first: the write-ahead log then needs no shared memory, and no other process can get in
  // between.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("PRAGMA page_size = " + std::to_string(kPageBytes));
  database.exec("PRAGMA journal_mode = WAL");
  const bool full = options.synchronous == Synchronous::kFull;
  database.exec(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF");
  database.exec("PRAGMA wal_autocheckpoint = " + std::to_string(kCheckpointPages));
  database.exec("PRAGMA journal_size_limit = " + std::to_string(std::max(kLogLimitBytes, log_bytes)));
  database.exec("PRAGMA cache_size = -" + std::to_string(kCacheKib));
  database.exec("PRAGMA temp_store = MEMORY");
  if (max_bytes != 0) database.exec("PRAGMA max_page_count = " + std::to_string(max_bytes / kPageBytes));
  database.execAndGet("SELECT count(*) FROM sqlite_schema");
  Require(database, "journal_mode", "wal");
  Require(database, "locking_mode", "exclusive");
  Require(database, "synchronous", full ? "2" : "0");
}

// Runs `body`, which gives a Result, with the file named in its error.
template <typename Body>
auto Naming(const char* what, const std::filesystem::path& path, Body body) -> decltype(body()) {
  Error error;
  try {
    return body();
  } catch (const SQLite::Exception& exception) {
    error = ErrorFromSqlite(exception);
  } catch (const StorageFault& fault) {
    error = fault.error();
  }
  error.message = std::string(what) + " " + path.string() + ": " + error.message;
  return error;
}

// The names of the database and its log.
Result<void> SyncNames(SQLite::Database& database, const std::filesystem::path& path) {
  const int code = sqlite3_file_control(database.getHandle(), "main", vfs_control::kSyncDirectory, nullptr);
  if (code == SQLITE_NOTFOUND) return SyncDirectory(path.parent_path());
  return CheckVfs("sync the directory of", path.string(), code);
}

}  // namespace

Error ErrorFromSqlite(const SQLite::Exception& exception) {
  Error error;
  error.message = "SQLite: " + Printable(exception.what()) + " (code " +
                  std::to_string(exception.getExtendedErrorCode()) + ")";
  switch (exception.getExtendedErrorCode() & 0xff) {
    case SQLITE_FULL:
      error.code = ErrorCode::kResourceExhausted;
      error.hint = "free space on that file system, or raise the store's limit";
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      error.code = ErrorCode::kDataLoss;
      error.hint = "the file is damaged: check the disk, and do not delete the file";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.code = ErrorCode::kUnavailable;
      error.hint = "another process has the file open; close it";
      break;
    default:
      error.code = ErrorCode::kUnavailable;
      error.hint = "check the disk";
  }
  return error;
}

Result<std::unique_ptr<SQLite::Database>> OpenUnsettledDatabase(const std::filesystem::path& path,
                                                                const DatabaseOptions& options,
                                                                std::uint64_t max_bytes,
                                                                std::uint64_t log_bytes) {
  return Naming("cannot open", path, [&]() -> Result<std::unique_ptr<SQLite::Database>> {
    auto database = std::make_unique<SQLite::Database>(
        path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
        /*aBusyTimeoutMs=*/0, options.vfs);
    Configure(*database, options, max_bytes, log_bytes);
    // Before the log is moved: a log that an earlier run deleted must not come back after a power cut. And
    // before it is written: one that an earlier run made, and did not come to sync, must not go with one.
    if (auto synced = SyncNames(*database, path); !synced) return synced.error();
    return database;
  });
}

Result<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::filesystem::path& path,
                                                       const DatabaseOptions& options,
                                                       std::uint64_t max_bytes) {
  auto database = OpenUnsettledDatabase(path, options, max_bytes, 0);
  if (!database) return database;
  if (auto settled = SettleLog(**database, path, LogAfter::kCut); !settled) return settled.error();
  return database;
}

// The last commits of an earlier run may have been written but not synced before it ended; from here on, what
// can be read is also on disk, so a repeated capture may be answered with the first one.
Result<void> SettleLog(SQLite::Database& database, const std::filesystem::path& path, LogAfter after) {
  return Naming("cannot use", path, [&]() -> Result<void> {
    SQLite::Statement checkpoint(database, after == LogAfter::kCut ? "PRAGMA wal_checkpoint(TRUNCATE)"
                                                                   : "PRAGMA wal_checkpoint(RESTART)");
    checkpoint.executeStep();
    if (checkpoint.getColumn(0).getInt() == 0) return {};
    return Error{ErrorCode::kUnavailable, "the log of an earlier run can't be moved into the database",
                 "close other programs that have the file open"};
  });
}

void KeepLogOnClose(SQLite::Database& database) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

SpaceMeter::SpaceMeter(SQLite::Database& database)
    : pages_(database, "PRAGMA page_count"), free_pages_(database, "PRAGMA freelist_count") {}

std::uint64_t SpaceMeter::PageBytes() {
  StatementRun pages(pages_);
  pages.Step();
  return pages.Unsigned(0) * kPageBytes;
}

std::uint64_t SpaceMeter::UsedBytes() {
  StatementRun pages(pages_);
  StatementRun free_pages(free_pages_);
  pages.Step();
  free_pages.Step();
  return (pages.Unsigned(0) - free_pages.Unsigned(0)) * kPageBytes;
}

StatementRun::StatementRun(SQLite::Statement& statement) : statement_(statement) {
  Guarded([&] {
    statement_.reset();
    statement_.clearBindings();
  });
}

StatementRun::~StatementRun() {
  statement_.tryReset();
}

StatementRun& StatementRun::Bind(std::int64_t value) {
  Guarded([&] { statement_.bind(next_parameter_++, value); });
  return *this;
}

StatementRun& StatementRun::Bind(std::uint64_t value) {
  return Bind(static_cast<std::int64_t>(value));
}

StatementRun& StatementRun::BindText(std::string_view value) {
  Guarded([&] { statement_.bind(next_parameter_++, std::string(value)); });
  return *this;
}

StatementRun& StatementRun::BindBlob(std::string_view value) {
  // A null pointer would be bound as NULL.
  const char* bytes = value.empty() ? "" : value.data();
  Guarded([&] { statement_.bindNoCopy(next_parameter_++, bytes, static_cast<int>(value.size())); });
  return *this;
}

StatementRun& StatementRun::BindNull() {
  Guarded([&] { statement_.bind(next_parameter_++); });
  return *this;
}

bool StatementRun::Step() {
  return Guarded([&] { return statement_.executeStep(); });
}

int StatementRun::Execute() {
  return Guarded([&] { return statement_.exec(); });
}

bool StatementRun::IsNull(int column) const {
  return statement_.getColumn(column).isNull();
}

std::int64_t StatementRun::Int(int column) const {
  return statement_.getColumn(column).getInt64();
}

std::uint64_t StatementRun::Unsigned(int column) const {
  return static_cast<std::uint64_t>(Int(column));
}

std::string StatementRun::Text(int column) const {
  return statement_.getColumn(column).getString();
}

std::string_view StatementRun::Blob(int column) const {
  const SQLite::Column value = statement_.getColumn(column);
  const auto* bytes = static_cast<const char*>(value.getBlob());
  return bytes == nullptr ? std::string_view()
                          : std::string_view(bytes, static_cast<std::size_t>(value.getBytes()));
}

Hash StatementRun::HashAt(int column) const {
  const auto hash = Hash::FromBytes(Blob(column));
  if (!hash) {
    throw StorageFault(
        {ErrorCode::kDataLoss, "a stored hash is not 32 bytes long", "the file is damaged; set it aside"});
  }
  return *hash;
}

}  // namespace tillwire
