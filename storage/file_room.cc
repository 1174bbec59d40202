#include "storage/file_room.h"

#include <sqlite3.h>

#include <algorithm>
#include <string>

#include "storage/vfs_call.h"

namespace tillwire {
namespace {

// Written at once. SQLite's VFS takes less than 128 KiB in one call; of 128 KiB it writes nothing, and says
// that the disk is full (os_unix.c, seekAndWriteFd).
constexpr std::uint64_t kZerosBytes = 64 << 10;
constexpr std::uint64_t kLogHeaderBytes = 32;  // https://www.sqlite.org/fileformat2.html#the_write_ahead_log

// SQLite's functions on a file, one of them ours: whoever is called finds the rest behind it.
struct Functions {
  sqlite3_io_methods ours{};  // must come first
  const sqlite3_io_methods* theirs = nullptr;
};

// SQLite cuts the file to its pages when it has moved the log.
int KeepLength(sqlite3_file* /*file*/, sqlite3_int64 /*size*/) {
  return SQLITE_OK;
}

std::uint64_t SizeOf(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  return file->pMethods->xFileSize(file, &size) == SQLITE_OK ? static_cast<std::uint64_t>(size) : 0;
}

}  // namespace

class FileRoom::Impl {
 public:
  explicit Impl(SQLite::Database& database) : path_(database.getFilename()) {
    sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &file_);
    sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log_);
    functions_.theirs = file_->pMethods;
    functions_.ours = *file_->pMethods;
    functions_.ours.xTruncate = KeepLength;
    file_->pMethods = &functions_.ours;
  }

  Result<void> Lengthen(sqlite3_file* file, const std::string& path, std::uint64_t bytes) {
    static const std::string zeros(kZerosBytes, '\0');
    for (std::uint64_t at = SizeOf(file); at < bytes;) {
      // To whole pieces of the file, so that none is written in two.
      const std::uint64_t end = std::min(bytes, at / kZerosBytes * kZerosBytes + kZerosBytes);
      const int code = file->pMethods->xWrite(file, zeros.data(), static_cast<int>(end - at),
                                              static_cast<sqlite3_int64>(at));
      if (auto written = CheckVfs("lengthen", path, code); !written) return written;
      at = end;
    }
    return {};
  }

  std::string path_;
  sqlite3_file* file_ = nullptr;
  sqlite3_file* log_ = nullptr;
  Functions functions_;
};

FileRoom::FileRoom(SQLite::Database& database) : impl_(std::make_unique<Impl>(database)) {}
FileRoom::~FileRoom() = default;

std::uint64_t FileRoom::FileBytes() const {
  return SizeOf(impl_->file_);
}

std::uint64_t FileRoom::LogBytes() const {
  return SizeOf(impl_->log_);
}

std::optional<std::uint64_t> FileRoom::FreeOnDisk() const {
  return FreeBytesAt(impl_->file_, impl_->path_);
}

Result<void> FileRoom::LengthenFile(std::uint64_t bytes) {
  return impl_->Lengthen(impl_->file_, impl_->path_, bytes);
}

Result<void> FileRoom::LengthenLog(std::uint64_t bytes) {
  if (LogBytes() >= bytes) return {};
  const std::string path = impl_->path_ + "-wal";
  if (auto lengthened = impl_->Lengthen(impl_->log_, path, bytes); !lengthened) return lengthened;
  return CheckVfs("sync", path, impl_->log_->pMethods->xSync(impl_->log_, SQLITE_SYNC_NORMAL));
}

Result<void> FileRoom::VoidLog(bool sync) {
  const std::string path = impl_->path_ + "-wal";
  if (LogBytes() < kLogHeaderBytes) return {};
  const std::string zeros(kLogHeaderBytes, '\0');
  const int code =
      impl_->log_->pMethods->xWrite(impl_->log_, zeros.data(), static_cast<int>(zeros.size()), 0);
  if (auto written = CheckVfs("write", path, code); !written || !sync) return written;
  return CheckVfs("sync", path, impl_->log_->pMethods->xSync(impl_->log_, SQLITE_SYNC_NORMAL));
}

}  // namespace tillwire
