// The rows of a damaged outbox's tables, but for its events: by SQL where SQLite can read a table to its end,
// else from whatever pages hold rows of that table's form.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "storage/page_scan.h"

namespace tillwire {

// The form of a table's rows, a letter for each column: k the row's key, an integer that is the rowid; i an
// integer; t text; h a hash; u an event id. A capital: or NULL.
struct TableForm {
  const char* name;
  const char* columns;
  bool has_rowid;
};

// Lanes are not among them: they follow from the events.
inline constexpr std::array<TableForm, 8> kSalvagedTables = {{{"meta", "tt", false},
                                                              {"epochs", "kiihIIHiit", true},
                                                              {"delivered", "ki", true},
                                                              {"exceptions", "kitti", true},
                                                              {"lost_ranges", "kiiiiHHtii", true},
                                                              {"idempotency", "hhui", false},
                                                              {"anchors", "kii", true},
                                                              {"incidents", "kit", true}}};

using TableRow = std::vector<ScannedValue>;

class DamagedTables {
 public:
  using Visit = std::function<void(const TableForm& table, TableRow&& row)>;

  // `scan` outlives it. `vfs` as PageScan has it.
  DamagedTables(const std::filesystem::path& database, const std::string& vfs, PageScan& scan);

  // Calls visit for each row that has its table's form; what its values mean is not looked at. A row may come
  // twice. kUnavailable: the disk can't be read.
  Result<void> ForEachRow(const Visit& visit);

  // The same for rows that were committed behind a damaged frame of the log, in the order of their commits.
  Result<void> ForEachRowBehindDamage(const Visit& visit);

  // Tables that SQLite could not read to their end.
  [[nodiscard]] const std::set<std::string>& Unreadable() const { return unreadable_; }

 private:
  static void VisitScanned(const ScannedRow& scanned, const TableForm& table, const Visit& visit);
  Result<void> ReadBySql(const TableForm& table, const Visit& visit);

  std::unique_ptr<SQLite::Database> database_;  // null where SQLite can't open it
  PageScan& scan_;
  std::set<std::string> unreadable_;
};

}  // namespace tillwire
