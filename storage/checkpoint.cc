#include "storage/checkpoint.h"

#include <sqlite3.h>

#include "storage/database.h"

namespace tillwire {

Checkpoint::Checkpoint(SQLite::Database& database) : database_(database) {
  sqlite3_wal_hook(database_.getHandle(), NoteCommit, this);
}

Checkpoint::~Checkpoint() {
  sqlite3_wal_hook(database_.getHandle(), nullptr, nullptr);
}

int Checkpoint::NoteCommit(void* self, sqlite3* /*handle*/, const char* /*schema*/, int pages) {
  static_cast<Checkpoint*>(self)->pages_ = static_cast<std::uint32_t>(pages);
  return SQLITE_OK;
}

void Checkpoint::Run() {
  int in_log = 0;
  int moved = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(database_.getHandle(), "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code != SQLITE_OK) {
    throw StorageFault(ErrorFromSqlite(SQLite::Exception(database_.getHandle(), code)));
  }
  if (moved >= in_log) pages_ = 0;
}

}  // namespace tillwire
