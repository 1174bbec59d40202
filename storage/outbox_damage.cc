// Looking for damage before the files are changed in any way, and what is done about it: the damaged files
// are set aside as they are, and the outbox goes on with what can be proved of them
// (storage/outbox_salvage.h).
#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "storage/database_replacement.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"
#include "storage/outbox_salvage.h"
#include "storage/page_scan.h"

namespace tillwire {
namespace {

// Of a running agent. A disk that damages what was just written is not to be filled with copies.
constexpr int kMaxSalvages = 3;
// For what opening changes, in memory: the log, and an older schema.
constexpr std::uint64_t kMaxLookOverlayBytes = 256ULL << 20;

Error Damaged(const std::string& what) {
  return {ErrorCode::kDataLoss, "the outbox file is damaged: " + what, "check the disk of this machine"};
}

// What SQLite finds wrong with its own structures. In time that depends on the file's length.
std::optional<std::string> BrokenStructure(SQLite::Database& database) {
  const std::string found = database.execAndGet("PRAGMA integrity_check(1)").getString();
  return found == "ok" ? std::nullopt : std::optional(found);
}

}  // namespace

Result<void> Outbox::Impl::SalvageWhereDamaged() {
  const auto exists = VfsFile::Exists(DatabasePath(), options.database.vfs);
  if (!exists) return exists.error();
  if (!*exists) return {};
  std::optional<Error> damage = std::exchange(damage_met, std::nullopt);
  if (!damage) {
    OverlayVfs look(kMaxLookOverlayBytes, options.database.vfs);
    damage = LookForDamage(kOutboxFile, look.Name());
  }
  return damage ? Salvage(*damage) : Result<void>();
}

// What is damaged in that file of the directory, on the overlay: nothing but kDataLoss. Other errors, which
// opening it will meet too, count as none.
std::optional<Error> Outbox::Impl::LookForDamage(const std::string& file,
                                                 const std::string& overlay_name) const {
  Impl look(options, clock, rng);
  look.options.only_reads = true;
  look.options.machine_id.clear();
  look.file_name = file;
  if (const auto opened = look.OpenStore({overlay_name, Synchronous::kFull}, /*reserve=*/0); !opened) {
    return opened.error().code == ErrorCode::kDataLoss ? std::optional(opened.error()) : std::nullopt;
  }
  std::optional<Error> damage;
  try {
    damage = look.FindDamage(options);
  } catch (const StorageFault& fault) {
    if (fault.error().code == ErrorCode::kDataLoss) damage = fault.error();
  } catch (const SQLite::Exception& exception) {
    if (const Error error = ErrorFromSqlite(exception); error.code == ErrorCode::kDataLoss) damage = error;
  }
  look.CloseStore();
  return damage;
}

// Of an outbox that could be opened. Looks at everything only where something is wrong.
std::optional<Error> Outbox::Impl::FindDamage(const OutboxOptions& wanted) {
  if (options.store_id != wanted.store_id || options.terminal_id != wanted.terminal_id) {
    // Its first epoch's genesis covers the names, too.
    const EpochRow& first = epochs.front();
    const bool is_ours =
        first.ordinal == 1 &&
        first.genesis == GenesisHash(wanted.store_id, wanted.terminal_id, first.epoch, Hash{});
    return is_ours ? std::optional(Damaged("it has the name of another terminal")) : std::nullopt;
  }
  const auto& mark = high_water_mark->AtOpen();
  const bool lacks = mark && (RowOf(mark->id.epoch) == nullptr || BeyondFile());
  // What was opened has moved the log, in memory.
  const OverlayVfs untouched(kMaxLookOverlayBytes, wanted.database.vfs);
  const auto scan = PageScan::Open(DatabasePath(), untouched.Name());
  // Where the mark is ahead the outbox may have been put back to an older copy, which is sound.
  if (scan && ((*scan)->HasDamagedCommit() || (lacks && (*scan)->HasFramesBehindDamage()))) {
    return Damaged("its log is, in the middle");
  }
  if (!lacks && EpochEndsProve(lacks)) return std::nullopt;
  if (const auto broken = BrokenStructure(*database)) return Damaged(*broken);
  return EpochEndsProve(lacks) ? std::nullopt : std::optional(Damaged("an epoch's events do not match it"));
}

// Whether of each epoch the first or the last event has the hash that it should have: if neither does, it is
// not one event that is damaged. `of_one_too`: where there is only one, it counts as both.
bool Outbox::Impl::EpochEndsProve(bool of_one_too) {
  const auto proves = [this](Position position) {
    StatementRun run(statements->read_event);
    if (!run.Bind(position).Step()) return false;
    const auto row = TryReadRow(run);
    return row && row->record.HashMatches();
  };
  for (const EpochRow& row : epochs) {
    const Position first = std::max(row.base + 1, first_retained);
    const Position last = EndOf(row);
    if (first > last || (first == last && !of_one_too) || tombstoned.Contains(first) ||
        tombstoned.Contains(last))
      continue;
    if (!proves(first) && !proves(last)) return false;
  }
  return true;
}

Result<void> Outbox::Impl::Salvage(const Error& damage) {
  auto stem = FreeStem();
  if (!stem) return stem.error();
  const auto make = [&](const std::filesystem::path& copy) -> Result<void> {
    OverlayVfs below(kMaxLookOverlayBytes, options.database.vfs);
    SalvageTask task;
    task.damaged = DatabasePath();
    task.vfs = below.Name();
    task.copy_vfs = options.database.vfs;
    task.store_id = options.store_id;
    task.terminal_id = options.terminal_id;
    task.machine_id = options.machine_id;
    task.why = damage.message;
    task.set_aside = *stem;
    task.now = clock.WallNow();
    {
      const auto mark = HighWaterMark::Open(options.directory / kMarkFile, below.Name());
      if (!mark) return mark.error();
      task.mark = (*mark)->AtOpen();
    }
    if (auto salvaged = SalvageOutbox(task, copy); !salvaged) return salvaged;
    OverlayVfs look(kMaxLookOverlayBytes, options.database.vfs);
    const auto still = LookForDamage(copy.filename().string(), look.Name());
    if (!still) return {};
    return Error{ErrorCode::kDataLoss,
                 damage.message + "; what was salvaged can't be used: " + still->message,
                 "set the outbox's files aside, do not delete them: what can be read of them can be saved"};
  };
  return DatabaseReplacement(DatabasePath(), options.database.vfs).ReplaceAndKeep(make, *stem, kMarkFile);
}

// "outbox.damaged-20261130T230501Z", under which nothing is kept yet.
Result<std::string> Outbox::Impl::FreeStem() const {
  const auto seconds = static_cast<std::time_t>(ToMicros(clock.WallNow()) / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  const std::string stem = std::string("outbox.damaged-") + text.data();
  for (int count = 1;; ++count) {
    std::string name = count == 1 ? stem : stem + "-" + std::to_string(count);
    const auto taken = VfsFile::Exists(options.directory / (name + ".db"), options.database.vfs);
    if (!taken) return taken.error();
    if (!*taken) return name;
  }
}

// Once, when it is opened after a salvage.
void Outbox::Impl::FinishSalvage(std::size_t epochs_before) {
  const std::string note = ReadMeta(kSalvageNote);
  if (note.empty()) return;
  if (epochs.size() == epochs_before) BeginEpoch(last_position, head, "the outbox was damaged and salvaged");
  AddIncident(note);
  SQLite::Statement drop(*database, "DELETE FROM meta WHERE name = ?");
  StatementRun(drop).BindText(kSalvageNote).Execute();
}

// Met while running: the next transaction begins with a salvage.
void Outbox::Impl::NoticeDamage(const Error& error) {
  if (error.code != ErrorCode::kDataLoss || ReadingOnly() || options.only_reads) return;
  if (++salvages > kMaxSalvages) return;
  files->Distrust();
  damage_met = error;
  Despair(error);
}

// Rows that should be there and are not: whether that is because the tree can't be walked.
void Outbox::Impl::RequireSoundStructure() {
  if (const auto broken = BrokenStructure(*database)) throw StorageFault(Damaged(*broken));
}

}  // namespace tillwire
