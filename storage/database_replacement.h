// Puts a copy in the place of a database (its file and its log), so that whatever comes between, one of the
// two stands whole: the old one until the copy is complete and synced, and the copy from then on.
//
// Beside the database DB stand meanwhile DB-new, the copy in the making, and DB-ready, the copy that is
// complete: with its name the decision is made. Finish() carries it out, or clears away what was not decided;
// it comes before each opening, and can be cut off anywhere and begun again. Where the old files are to be
// kept, DB-aside says under which names.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/result.h"

namespace tillwire {

// Nobody has the database open meanwhile. Errors as VfsFile has them.
class DatabaseReplacement {
 public:
  // `vfs`: by name, empty for the system's.
  DatabaseReplacement(std::filesystem::path database, std::string vfs);

  // Whether the database is there, under its name or as the copy that is to take it.
  static bool Stands(const std::filesystem::path& database);
  // See above. Without traces of a replacement it changes nothing.
  Result<void> Finish();
  // `make` writes the copy to the path that it is given, where nothing stands: a database that is whole
  // without a log. If it succeeds the copy is synced and takes the database's place; else the database stays
  // as it is.
  using Make = std::function<Result<void>(const std::filesystem::path& copy)>;
  Result<void> Replace(const Make& make);
  // The same; but the database and its log are kept as they are, under the names STEM.db and STEM.db-wal in
  // their directory, and `also`, a small file of that directory that stays in use, is copied to STEM and its
  // extension.
  Result<void> ReplaceAndKeep(const Make& make, const std::string& stem, const std::string& also);

 private:
  Result<void> Decide();
  Result<void> SetAside();
  Result<void> DropCopy();

  const std::filesystem::path database_, log_, copy_, ready_, aside_;
  const std::string vfs_;
};

// Copies what can be read of a database and its log, row by row, to `copy`, and has SQLite check each page of
// that. The database's files are not written. kDataLoss: what was read, or the copy, is damaged;
// kResourceExhausted: no room.
Result<void> CopyDatabase(const std::filesystem::path& database, const std::filesystem::path& copy,
                          const std::string& vfs);

}  // namespace tillwire
