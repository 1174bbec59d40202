#include "storage/reserved_database.h"

#include <utility>

namespace tillwire {

Result<std::unique_ptr<ReservedDatabase>> ReservedDatabase::Open(const std::filesystem::path& path,
                                                                 const DatabaseOptions& options,
                                                                 std::uint64_t max_bytes,
                                                                 std::uint64_t reserve_bytes) {
  auto opened = OpenUnsettledDatabase(path, options, max_bytes, reserve_bytes);
  if (!opened) return opened.error();
  std::unique_ptr<ReservedDatabase> database(new ReservedDatabase(std::move(*opened)));
  if (auto settled = SettleLog(*database->database_, path, LogAfter::kKept); !settled) {
    database->Distrust();
    return settled.error();
  }
  if (auto voided = database->room_->VoidLog(/*sync=*/false); !voided) return voided.error();
  const auto lengthened = database->room_->LengthenLog(reserve_bytes);
  if (!lengthened && lengthened.error().code != ErrorCode::kResourceExhausted) return lengthened.error();
  return database;
}

ReservedDatabase::ReservedDatabase(std::unique_ptr<SQLite::Database> database)
    : database_(std::move(database)) {
  room_.emplace(*database_);
  checkpoint_.emplace(*database_);
}

ReservedDatabase::~ReservedDatabase() {
  checkpoint_.reset();
  if (trusted_ && SettleLog(*database_, database_->getFilename(), LogAfter::kKept)) {
    // Where this fails the log is moved again at the next start, which changes nothing.
    static_cast<void>(room_->VoidLog(/*sync=*/true));
  }
  // SQLite would delete the log.
  KeepLogOnClose(*database_);
}

void ReservedDatabase::Distrust() {
  trusted_ = false;
}

}  // namespace tillwire
