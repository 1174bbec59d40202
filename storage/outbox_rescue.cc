// What the outbox does when its disk fails: it never goes on with files of which it is not known what is on
// the disk. After a failed write or sync it copies what can be read into new files; where nothing can be
// written it goes on reading, and tries again.
#include <algorithm>
#include <utility>

#include "platform/files.h"
#include "storage/database_replacement.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"

namespace tillwire {
namespace {

// Between two attempts to write again at most; doubled from one to the other.
constexpr std::chrono::seconds kLongestPatience{60};
// What is held in memory of what the centre answered while nothing can be written: marks, and their log.
constexpr std::uint64_t kMaxReadingOverlayBytes = 32ULL << 20;

}  // namespace

Error Outbox::Impl::Explained(const Error& cause) const {
  const std::string path = DatabasePath().string();
  const bool named = cause.message.find(options.directory.string()) != std::string::npos;
  return {cause.code == ErrorCode::kResourceExhausted ? cause.code : ErrorCode::kUnavailable,
          "the outbox can't be written: " + (named ? "" : path + ": ") + cause.message,
          cause.hint + (cause.hint.empty() ? "" : "; ") + "captures are then taken again by themselves"};
}

// The disk's content is not known from here on: the next transaction begins with a rescue.
void Outbox::Impl::Doubt(const Error& error) {
  files->Distrust();
  suspect = true;
  Despair(error);
}

// What is in memory can't be trusted: the next transaction begins with opening the files anew.
void Outbox::Impl::Despair(const Error& error) {
  if (!trouble) trouble = Explained(error);
  unsound = true;
  try_again_at = {};
}

void Outbox::Impl::GoOnReading(const Error& why) {
  trouble = Explained(why);
  try_again_at = clock.BootNow() + patience;
  patience = std::min<BootTime>(patience * 2, kLongestPatience);
  CloseStore();
  unsound = false;
  overlay = std::make_unique<OverlayVfs>(kMaxReadingOverlayBytes, options.database.vfs);
  // Files that are to be replaced are, as the next start replaces them: what stands under their names
  // meanwhile may be without its log.
  const auto finished = DatabaseReplacement(DatabasePath(), overlay->Name()).Finish();
  // Where nothing can be read either, each transaction says so.
  if (!finished || !OpenStore({overlay->Name(), Synchronous::kFull}, /*reserve=*/0)) overlay.reset();
}

void Outbox::Impl::RequireUsable() {
  if (!trouble) return;
  if (clock.BootNow() >= try_again_at) TryToWrite();
  if (trouble && (unsound || !statements)) throw StorageFault(*trouble);
}

void Outbox::Impl::TryToWrite() {
  // What was marked meanwhile is not given up for an attempt that can't succeed.
  if (auto writable = ProbeDirectory(); !writable) {
    if (!ReadingOnly() || unsound) {
      ++openings;
      return GoOnReading(writable.error());
    }
    trouble = Explained(writable.error());
    try_again_at = clock.BootNow() + patience;
    patience = std::min<BootTime>(patience * 2, kLongestPatience);
    return;
  }
  CloseStore();
  overlay.reset();
  ++openings;
  Result<void> opened = suspect && !damage_met ? CopyToNewFiles() : Result<void>();
  if (!opened && opened.error().code == ErrorCode::kDataLoss) damage_met = std::exchange(opened, {}).error();
  // A salvage makes new files, too.
  const bool damaged = damage_met.has_value();
  if (opened) opened = OpenWritable();
  if (!opened) return GoOnReading(opened.error());
  const std::string before = trouble->message;
  trouble.reset();
  unsound = false;
  patience = kFirstPatience;
  const bool copied = std::exchange(suspect, false);
  if (damaged) return;
  NoteRescue(before + (copied
                           ? "; what it holds was copied to new files and checked, and it goes on with them: "
                             "have the disk checked"
                           : "; now it can"));
}

Result<void> Outbox::Impl::CopyToNewFiles() {
  return DatabaseReplacement(DatabasePath(), options.database.vfs)
      .Replace([this](const std::filesystem::path& copy) {
        return CopyDatabase(DatabasePath(), copy, options.database.vfs);
      });
}

// An error names what stands against writing into the outbox's directory.
Result<void> Outbox::Impl::ProbeDirectory() {
  const std::filesystem::path path = options.directory / "outbox.probe";
  const std::string& vfs = options.database.vfs;
  if (vfs.empty()) {
    if (auto writable = CheckWritable(options.directory); !writable) return writable;
  }
  Result<void> probed;
  {
    auto file = VfsFile::Open(path, vfs);
    if (!file) return file.error();
    probed = (*file)->Write(0, "probe");
    if (probed) probed = (*file)->Sync();
  }
  const auto deleted = VfsFile::Delete(path, vfs);
  return probed ? deleted : probed;
}

// It is no reason to fail if there is no room for it.
void Outbox::Impl::NoteRescue(const std::string& text) {
  try {
    StatementRun(statements->begin).Execute();
    AddIncident(text);
    StatementRun(statements->commit).Execute();
  } catch (const StorageFault& fault) {
    statements->rollback.tryReset();
    statements->rollback.tryExecuteStep();
    statements->rollback.tryReset();
    if (fault.error().code != ErrorCode::kResourceExhausted) Doubt(fault.error());
  }
}

// A capture that is known here may not be answered with: whether it is on the disk is not known.
Error Outbox::Impl::RefusalInTrouble(const CaptureInput& input) {
  Error refusal = *trouble;
  if (!input.idempotency) return refusal;
  StatementRun run(statements->find_key);
  if (run.Bind(input.idempotency->key).Step()) refusal.code = ErrorCode::kUnknown;
  return refusal;
}

void Outbox::Impl::RequireWritable() const {
  if (trouble) throw StorageFault(*trouble);
}

void Outbox::Impl::SetMark(std::shared_ptr<HighWaterMark> mark) {
  const std::lock_guard lock_mark(mark_mutex);
  high_water_mark = std::move(mark);
}

// The mark is written when a commit is on the disk: what it names is there, and what was captured before
// that. 0 where it names nothing of this file.
Position Outbox::Impl::MarkedPosition() {
  const auto mark = HighWaterMark::Open(options.directory / kMarkFile, overlay->Name());
  if (!mark || !(*mark)->AtOpen()) return 0;
  const RecordRef named = *(*mark)->AtOpen();
  const EpochRow* row = RowOf(named.id.epoch);
  if (row == nullptr) return 0;
  const Position position = row->base + named.id.sequence;
  if (named.id.sequence == 0) return named.hash == row->genesis ? position : 0;
  return position <= EndOf(*row) && HashOf(position) == named.hash ? position : 0;
}

// An event that a power cut may still take must not take effect: its caller was not told that it is recorded,
// and captures it again.
Position Outbox::Impl::SendableThrough() const {
  return ReadingOnly() ? std::min(on_disk_through, last_position) : last_position;
}

void Outbox::SyncHighWaterMark() {
  std::shared_ptr<HighWaterMark> mark;
  {
    const std::lock_guard lock(impl_->mark_mutex);
    mark = impl_->high_water_mark;
  }
  if (!mark) return;
  if (auto synced = mark->Sync(); !synced) throw StorageFault(synced.error());
}

const std::filesystem::path& Outbox::Directory() const {
  return impl_->options.directory;
}

const std::optional<Error>& Outbox::Trouble() const {
  return impl_->trouble;
}

std::uint64_t Outbox::Openings() const {
  return impl_->openings;
}

}  // namespace tillwire
