// Moving the log into the database by our own hand: SQLite does it by itself after a commit, and keeps to
// itself that the disk failed meanwhile.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>

namespace tillwire {

// Used on the thread of the database, and gone before it is closed.
class Checkpoint {
 public:
  // SQLite no longer moves the log by itself.
  explicit Checkpoint(SQLite::Database& database);
  ~Checkpoint();
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  // Pages in the log that a move could take, as of the last commit.
  [[nodiscard]] std::uint32_t PagesInLog() const { return pages_; }
  // Syncs the log, moves it into the database, and syncs that. Outside of a transaction. The log keeps its
  // length; the next commit begins it anew. Throws StorageFault: kResourceExhausted where the database's file
  // can't grow, and then the log goes on; else what was synced is not known.
  void Run();

 private:
  static int NoteCommit(void* self, struct sqlite3* handle, const char* schema, int pages);

  SQLite::Database& database_;
  std::uint32_t pages_ = 0;
};

}  // namespace tillwire
