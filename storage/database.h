// The one place that knows SQLite's C interface: opening with the settings that durability rests on, and
// naming faults. Statements and transactions are SQLiteCpp's.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/hash.h"
#include "core/result.h"

namespace tillwire {

// The disk failed, or is full, or holds what it should not. Thrown; the Error says which.
class StorageFault : public std::runtime_error {
 public:
  explicit StorageFault(Error error) : std::runtime_error(error.Text()), error_(std::move(error)) {}
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

// What an exception out of SQLiteCpp means: full disk kResourceExhausted, damage kDataLoss, else
// kUnavailable.
Error ErrorFromSqlite(const SQLite::Exception& exception);

enum class Synchronous {
  kFull,  // each commit is synced before it returns: what the promise rests on
  kOff,   // never synced; exists so that tests can show that their checks would notice
};

struct DatabaseOptions {
  std::string vfs;  // SQLite's VFS by name; empty for the system's
  Synchronous synchronous = Synchronous::kFull;
};

// Opens (or creates) a database for one process and one connection: exclusive lock held until closed, WAL,
// FULL. Reads each setting back and refuses to go on with another. What an earlier run left in the log is
// synced and moved into the database first; the directory is synced too. kDataLoss if it is no database or
// damaged at its head; kUnavailable if another process has it open.
Result<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::filesystem::path& path,
                                                       const DatabaseOptions& options,
                                                       std::uint64_t max_bytes);

// The same, up to the log: it is left as it was found, and nothing is synced. `log_bytes`: the log is not cut
// below that length when it is begun anew.
Result<std::unique_ptr<SQLite::Database>> OpenUnsettledDatabase(const std::filesystem::path& path,
                                                                const DatabaseOptions& options,
                                                                std::uint64_t max_bytes,
                                                                std::uint64_t log_bytes);

// What becomes of the log's file when all of it has been moved.
enum class LogAfter { kCut, kKept };

// Syncs what stands in the log, and moves it into the database, which is synced too. `path` is for the
// message.
Result<void> SettleLog(SQLite::Database& database, const std::filesystem::path& path, LogAfter after);

// Closes without a checkpoint, so that the log stays: as evidence after a failed sync, or for its room.
void KeepLogOnClose(SQLite::Database& database);

// Runs one statement to its end, translating SQLiteCpp's exceptions into StorageFault.
// The statement is reset and its bindings cleared before, and reset after.
class StatementRun {
 public:
  explicit StatementRun(SQLite::Statement& statement);
  ~StatementRun();
  StatementRun(const StatementRun&) = delete;
  StatementRun& operator=(const StatementRun&) = delete;

  // Parameters are numbered from 1 in the order of the calls. Text and blobs are not copied: they must
  // outlive the run.
  StatementRun& Bind(std::int64_t value);
  StatementRun& Bind(std::uint64_t value);  // stored as the signed number of the same bits
  StatementRun& BindText(std::string_view value);
  StatementRun& BindBlob(std::string_view value);
  StatementRun& Bind(const Hash& hash) { return BindBlob(hash.AsBytes()); }
  StatementRun& BindOptional(const std::optional<Hash>& hash) { return hash ? Bind(*hash) : BindNull(); }
  StatementRun& BindOptional(const std::optional<Hash>&&) = delete;  // gone before the statement runs
  StatementRun& BindNull();

  // Moves to the next row; false at the end.
  bool Step();
  // Runs a statement that returns no rows; gives the number of rows changed.
  int Execute();

  [[nodiscard]] bool IsNull(int column) const;
  [[nodiscard]] std::int64_t Int(int column) const;
  [[nodiscard]] std::uint64_t Unsigned(int column) const;
  [[nodiscard]] std::string Text(int column) const;
  [[nodiscard]] std::string_view Blob(int column) const;  // valid until the next Step
  [[nodiscard]] Hash HashAt(int column) const;            // StorageFault(kDataLoss) if it is not 32 bytes

 private:
  SQLite::Statement& statement_;
  int next_parameter_ = 1;
};

// How much of a database's file is in use. Prepared once, for those who ask in every transaction.
class SpaceMeter {
 public:
  explicit SpaceMeter(SQLite::Database& database);
  // The pages of the file that are not free, in bytes.
  std::uint64_t UsedBytes();
  // All of its pages, in bytes. The file may be longer, and is shorter while pages stand in the log alone.
  std::uint64_t PageBytes();

 private:
  SQLite::Statement pages_, free_pages_;
};

}  // namespace tillwire
