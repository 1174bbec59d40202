// Versioned schemas. A store written by a newer program is refused, never wiped or "repaired".
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <span>
#include <string_view>

#include "core/result.h"

namespace tillwire {

// One step of a schema, from version - 1 to version.
struct Migration {
  int version;
  std::string_view sql;
};

// Brings the database (PRAGMA user_version) to the last of `migrations`, each in a transaction of its own.
// kFailedPrecondition if the database's version is higher than that; `what` names the store in the message.
// Throws StorageFault.
Result<void> Migrate(SQLite::Database& database, std::string_view what,
                     std::span<const Migration> migrations);

}  // namespace tillwire
