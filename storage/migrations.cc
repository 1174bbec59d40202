#include "storage/migrations.h"

#include <string>

#include "storage/database.h"

namespace tillwire {

Result<void> Migrate(SQLite::Database& database, std::string_view what,
                     std::span<const Migration> migrations) {
  try {
    const int found = database.execAndGet("PRAGMA user_version").getInt();
    const int newest = migrations.back().version;
    if (found > newest) {
      return Error{ErrorCode::kFailedPrecondition,
                   std::string(what) + " has schema version " + std::to_string(found) +
                       ", this program knows up to " + std::to_string(newest),
                   "install the version that wrote it, or a newer one; nothing was changed"};
    }
    for (const Migration& migration : migrations) {
      if (migration.version <= found) continue;
      SQLite::Transaction transaction(database);
      database.exec(std::string(migration.sql));
      database.exec("PRAGMA user_version = " + std::to_string(migration.version));
      transaction.commit();
    }
    return {};
  } catch (const SQLite::Exception& exception) {
    throw StorageFault(ErrorFromSqlite(exception));
  }
}

}  // namespace tillwire
