// A database whose files hold room in advance: the log is made reserve_bytes long once and stays so, over
// restarts too, and the file is longer than its pages where its owner makes it so. So commits, moving the
// log, opening and closing go on at zero bytes free.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/result.h"
#include "storage/checkpoint.h"
#include "storage/database.h"
#include "storage/file_room.h"

namespace tillwire {

// Used by one thread at a time.
class ReservedDatabase {
 public:
  // As OpenDatabase(). A log that can't be made so long for want of room is no error: see Room().LogBytes().
  static Result<std::unique_ptr<ReservedDatabase>> Open(const std::filesystem::path& path,
                                                        const DatabaseOptions& options,
                                                        std::uint64_t max_bytes, std::uint64_t reserve_bytes);
  // Moves the log into the database and leaves it empty, at its length; but as it is after Distrust(), or
  // where the disk fails. Every statement is gone by then.
  ~ReservedDatabase();
  ReservedDatabase(const ReservedDatabase&) = delete;
  ReservedDatabase& operator=(const ReservedDatabase&) = delete;

  [[nodiscard]] SQLite::Database& Handle() { return *database_; }
  [[nodiscard]] FileRoom& Room() { return *room_; }
  [[nodiscard]] Checkpoint& Log() { return *checkpoint_; }
  // Something failed after which the disk's content is not known: nothing is moved or written on closing.
  void Distrust();

 private:
  explicit ReservedDatabase(std::unique_ptr<SQLite::Database> database);

  std::optional<FileRoom> room_;  // outlives the database, which is closed through it
  std::unique_ptr<SQLite::Database> database_;
  std::optional<Checkpoint> checkpoint_;
  bool trusted_ = true;
};

}  // namespace tillwire
