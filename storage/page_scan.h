// Reads the rows of a SQLite database as they lie in the pages of its file and its log, without its trees:
// what a damaged page, or a damaged frame of the log, keeps SQLite from reaching is found all the same.
// Nothing that is read is trusted: who uses a row proves it by other means.
//
// File formats: https://www.sqlite.org/fileformat2.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "storage/vfs_file.h"

namespace tillwire {

struct ScannedValue {
  enum class Kind { kNull, kInteger, kReal, kText, kBlob };
  Kind kind = Kind::kNull;
  std::int64_t integer = 0;
  std::string bytes;  // of text and blobs
};

// How much a row's page counts.
enum class PageStanding {
  kCurrent,       // what SQLite would read
  kOlder,         // overwritten since, or of a page that can't be what it says
  kBehindDamage,  // committed in the log, behind a frame that is damaged: SQLite drops it
  kUncertain,     // likewise, but its transaction may never have been committed
};

struct ScannedRow {
  PageStanding standing = PageStanding::kCurrent;
  std::optional<std::int64_t> rowid;  // absent in an index, or a table WITHOUT ROWID
  std::vector<ScannedValue> values;
};

// Nobody writes the files meanwhile. Used by one thread.
class PageScan {
 public:
  // `vfs`: by name, one on which opening a file that is absent does no harm (storage/overlay_vfs.h). Reads
  // the log once. kUnavailable: the disk can't be read.
  static Result<std::unique_ptr<PageScan>> Open(const std::filesystem::path& database,
                                                const std::string& vfs);

  // Calls visit for each row that can be taken apart, those of current pages first. Reads the files once, in
  // pages. kUnavailable: the disk can't be read.
  Result<void> ForEachRow(const std::function<void(ScannedRow&&)>& visit);

  // Whether sound frames stand in the log behind a damaged one.
  [[nodiscard]] bool HasFramesBehindDamage() const { return !behind_damage_.empty() || !uncertain_.empty(); }
  // Whether a transaction in the log that had been synced is damaged, or stands behind damage: another began
  // after it. A power cut leaves no more than the last transaction of a log in pieces.
  [[nodiscard]] bool HasDamagedCommit() const { return has_damaged_commit_; }

 private:
  // A page in the log, by the offset of its content.
  struct Frame {
    std::uint32_t page = 0;
    std::uint64_t offset = 0;
  };

  PageScan(std::unique_ptr<VfsFile> file, std::unique_ptr<VfsFile> log)
      : file_(std::move(file)), log_(std::move(log)) {}

  Result<void> ReadLog();
  Result<std::string> CurrentPage(std::uint32_t page);
  Result<std::string> PageInFile(std::uint32_t page);
  Result<void> VisitPage(const std::string& content, std::uint32_t page, PageStanding standing,
                         const std::function<void(ScannedRow&&)>& visit);
  Result<void> VisitCell(std::string_view content, std::size_t at, bool has_rowid, PageStanding standing,
                         const std::function<void(ScannedRow&&)>& visit);
  Result<std::optional<std::string>> Payload(std::string_view content, std::size_t at, std::uint64_t size,
                                             bool has_rowid);

  std::unique_ptr<VfsFile> file_;
  std::unique_ptr<VfsFile> log_;
  std::map<std::uint32_t, std::uint64_t> current_;  // pages in the log that count, by number
  std::vector<Frame> older_;
  std::vector<Frame> behind_damage_;
  std::vector<Frame> uncertain_;
  bool has_damaged_commit_ = false;
};

}  // namespace tillwire
