#include "storage/damaged_tables.h"

#include <utility>

#include "core/hash.h"
#include "core/uuid.h"
#include "storage/database.h"

namespace tillwire {
namespace {

bool HasForm(char form, const ScannedValue& value) {
  using Kind = ScannedValue::Kind;
  switch (form) {
    case 'I':
      return value.kind == Kind::kNull || value.kind == Kind::kInteger;
    case 'k':
    case 'i':
      return value.kind == Kind::kInteger;
    case 't':
      return value.kind == Kind::kText;
    case 'H':
      return value.kind == Kind::kNull || HasForm('h', value);
    case 'h':
      return value.kind == Kind::kBlob && value.bytes.size() == Hash{}.bytes.size();
    case 'u':
      return value.kind == Kind::kBlob && value.bytes.size() == Uuid{}.bytes.size();
    default:
      return false;
  }
}

bool HasForm(const TableForm& table, const TableRow& row) {
  const std::string_view columns = table.columns;
  if (row.size() != columns.size()) return false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!HasForm(columns[i], row[i])) return false;
  }
  return true;
}

ScannedValue ValueOf(const SQLite::Column& column) {
  ScannedValue value;
  if (column.isInteger()) {
    value.kind = ScannedValue::Kind::kInteger;
    value.integer = column.getInt64();
  } else if (column.isFloat()) {
    value.kind = ScannedValue::Kind::kReal;
  } else if (column.isText() || column.isBlob()) {
    value.kind = column.isText() ? ScannedValue::Kind::kText : ScannedValue::Kind::kBlob;
    const auto* bytes = static_cast<const char*>(column.getBlob());
    if (bytes != nullptr) value.bytes.assign(bytes, static_cast<std::size_t>(column.getBytes()));
  }
  return value;
}

// Whether SQLite failed because of the disk, not because of what stands on it.
bool IsOfTheDisk(const SQLite::Exception& exception) {
  constexpr int kIoError = 10;  // SQLITE_IOERR
  return (exception.getErrorCode() & 0xff) == kIoError;
}

}  // namespace

DamagedTables::DamagedTables(const std::filesystem::path& database, const std::string& vfs, PageScan& scan)
    : scan_(scan) {
  try {
    database_ = std::make_unique<SQLite::Database>(database.string(),
                                                   SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, 0, vfs);
    KeepLogOnClose(*database_);
    database_->exec("PRAGMA locking_mode = EXCLUSIVE");
  } catch (const SQLite::Exception&) {
    database_.reset();
  }
}

Result<void> DamagedTables::ReadBySql(const TableForm& table, const Visit& visit) {
  if (!database_) {
    unreadable_.insert(table.name);
    return {};
  }
  try {
    SQLite::Statement select(*database_, std::string("SELECT * FROM ") + table.name);
    while (select.executeStep()) {
      TableRow row;
      for (int i = 0; i < select.getColumnCount(); ++i) row.push_back(ValueOf(select.getColumn(i)));
      if (HasForm(table, row)) visit(table, std::move(row));
    }
  } catch (const SQLite::Exception& exception) {
    if (IsOfTheDisk(exception)) return ErrorFromSqlite(exception);
    unreadable_.insert(table.name);
  }
  return {};
}

Result<void> DamagedTables::ForEachRow(const Visit& visit) {
  for (const TableForm& table : kSalvagedTables) {
    if (auto read = ReadBySql(table, visit); !read) return read;
  }
  if (unreadable_.empty()) return {};
  return scan_.ForEachRow([&](ScannedRow&& scanned) {
    if (scanned.standing != PageStanding::kCurrent) return;
    for (const TableForm& table : kSalvagedTables) {
      if (unreadable_.count(table.name) != 0) VisitScanned(scanned, table, visit);
    }
  });
}

Result<void> DamagedTables::ForEachRowBehindDamage(const Visit& visit) {
  return scan_.ForEachRow([&](ScannedRow&& scanned) {
    if (scanned.standing != PageStanding::kBehindDamage) return;
    for (const TableForm& table : kSalvagedTables) VisitScanned(scanned, table, visit);
  });
}

void DamagedTables::VisitScanned(const ScannedRow& scanned, const TableForm& table, const Visit& visit) {
  if (table.has_rowid != scanned.rowid.has_value() || scanned.values.empty()) return;
  TableRow row = scanned.values;
  if (table.has_rowid) {
    if (row.front().kind != ScannedValue::Kind::kNull) return;
    row.front().kind = ScannedValue::Kind::kInteger;
    row.front().integer = *scanned.rowid;
  }
  if (HasForm(table, row)) visit(table, std::move(row));
}

}  // namespace tillwire
