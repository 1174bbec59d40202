#include "ingest/ledger/sqlite_ledger.h"

#include <utility>

#include "core/uuid.h"
#include "ingest/ledger/sqlite_schema.h"
#include "ingest/ledger/sqlite_transaction.h"
#include "platform/files.h"
#include "platform/system_clock.h"
#include "storage/owner_lock.h"

namespace tillwire {
namespace {

constexpr char kProgram[] = "tillwire-ingestd";
constexpr int kCacheKib = 32 * 1024;

// Made once, when the ledger is.
std::string EnsureIncarnation(SQLite::Database& database, Rng& rng) {
  SQLite::Statement find(database, "SELECT value FROM ledger WHERE key = 'incarnation'");
  {
    StatementRun run(find);
    if (run.Step()) return run.Text(0);
  }
  std::string incarnation = UuidGenerator(rng).Make(SystemClock().WallNow()).ToString();
  SQLite::Statement add(database, "INSERT INTO ledger VALUES ('incarnation', ?)");
  StatementRun(add).BindText(incarnation).Execute();
  return incarnation;
}

}  // namespace

class SqliteLedger::Impl {
 public:
  Impl(std::unique_ptr<OwnerLock> lock, std::unique_ptr<SQLite::Database> database, Rng& rng)
      : lock_(std::move(lock)),
        database_(std::move(database)),
        incarnation_(EnsureIncarnation(*database_, rng)),
        transaction_(*database_),
        begin_(*database_, "BEGIN"),
        commit_(*database_, "COMMIT") {}

  void Begin() { StatementRun(begin_).Execute(); }
  void Commit() {
    try {
      StatementRun(commit_).Execute();
    } catch (const StorageFault& fault) {
      if (fault.error().code != ErrorCode::kResourceExhausted) KeepLogOnClose(*database_);
      throw;
    }
  }
  void Rollback() noexcept {
    transaction_.Forget();
    // It fails where SQLite has rolled back by itself.
    database_->tryExec("ROLLBACK");
  }
  LedgerTransaction& Transaction() { return transaction_; }
  [[nodiscard]] const std::string& Incarnation() const { return incarnation_; }

 private:
  std::unique_ptr<OwnerLock> lock_;
  std::unique_ptr<SQLite::Database> database_;
  std::string incarnation_;
  SqliteLedgerTransaction transaction_;
  SQLite::Statement begin_, commit_;
};

Result<std::unique_ptr<SqliteLedger>> SqliteLedger::Open(const std::filesystem::path& configured_path,
                                                         Rng& rng, const DatabaseOptions& options) {
  const std::filesystem::path path = std::filesystem::absolute(configured_path);
  if (auto directory = EnsureDirectory(path.parent_path()); !directory) return directory.error();
  auto lock = OwnerLock::Take(path.string() + ".lock", "ledger " + path.string(), kProgram);
  if (!lock) {
    Error error = lock.error();
    error.hint = "stop that process, or set another ledger.path";
    return error;
  }
  auto database = OpenDatabase(path, options, /*max_bytes=*/0);
  if (!database) return database.error();
  try {
    if (auto migrated = Migrate(**database, "ledger " + path.string(), kLedgerMigrations); !migrated) {
      return migrated.error();
    }
    (*database)->exec("PRAGMA cache_size = -" + std::to_string(kCacheKib));
    return std::unique_ptr<SqliteLedger>(
        new SqliteLedger(std::make_unique<Impl>(std::move(*lock), std::move(*database), rng)));
  } catch (const StorageFault& fault) {
    return fault.error();
  } catch (const SQLite::Exception& exception) {
    return ErrorFromSqlite(exception);
  }
}

SqliteLedger::SqliteLedger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteLedger::~SqliteLedger() = default;
void SqliteLedger::Begin() {
  impl_->Begin();
}
void SqliteLedger::Commit() {
  impl_->Commit();
}
void SqliteLedger::Rollback() noexcept {
  impl_->Rollback();
}
LedgerTransaction& SqliteLedger::Transaction() {
  return impl_->Transaction();
}
const std::string& SqliteLedger::Incarnation() const {
  return impl_->Incarnation();
}

}  // namespace tillwire
