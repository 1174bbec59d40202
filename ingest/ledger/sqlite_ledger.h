// The ledger in one SQLite file, for one service process. docs/architecture.md says what grows with what.
//
// Beside the file stands PATH.lock, which names the process that has it open. Opening reads a few rows,
// whatever the ledger's size.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/result.h"
#include "core/rng.h"
#include "ingest/ledger/ledger.h"
#include "storage/database.h"

namespace tillwire {

class SqliteLedger final : public Ledger {
 public:
  // Creates the file and its directory where absent. kUnavailable if another process has it (named in the
  // message) or the disk refuses; kFailedPrecondition if a newer version wrote it; kDataLoss if it is
  // damaged.
  static Result<std::unique_ptr<SqliteLedger>> Open(const std::filesystem::path& path, Rng& rng,
                                                    const DatabaseOptions& options = {});
  ~SqliteLedger() override;

  void Begin() override;
  void Commit() override;
  void Rollback() noexcept override;
  [[nodiscard]] LedgerTransaction& Transaction() override;
  [[nodiscard]] const std::string& Incarnation() const override;

 private:
  class Impl;
  explicit SqliteLedger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
