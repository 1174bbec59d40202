// Opening the outbox: its files, whose they are, and whether they are all that there was.
#include <utility>

#include "core/text.h"
#include "platform/files.h"
#include "storage/database_replacement.h"
#include "storage/outbox.h"
#include "storage/outbox_impl.h"
#include "storage/outbox_schema.h"

namespace tillwire {
namespace {

constexpr char kLockFile[] = "outbox.lock";
// Beyond the limit for captures, for what must go on when that is reached: marking, parking, moving, upkeep.
constexpr std::uint64_t kHeadroomBytes = 64ULL << 20;

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::Open(const OutboxOptions& options, const Clock& clock, Rng& rng) {
  auto impl = std::make_unique<Impl>(options, clock, rng);
  if (auto taken = impl->TakeDirectory(); !taken) return taken.error();
  if (auto opened = impl->OpenWritable(); !opened) {
    const bool passes = !options.only_reads && (opened.error().code == ErrorCode::kUnavailable ||
                                                opened.error().code == ErrorCode::kResourceExhausted);
    if (!passes) return opened.error();
    // What stands against writing there says more than what SQLite met.
    const auto writable = impl->ProbeDirectory();
    impl->GoOnReading(writable ? opened.error() : writable.error());
  }
  return std::unique_ptr<Outbox>(new Outbox(std::move(impl)));
}

Result<void> Outbox::Impl::TakeDirectory() {
  if (!options.only_reads) {
    if (auto made = EnsureDirectory(options.directory); !made) return made;
  }
  const auto take = options.only_reads ? OwnerLock::TakeToRead : OwnerLock::Take;
  auto taken = take(options.directory / kLockFile, "outbox " + options.directory.string(), options.program);
  if (!taken) return taken.error();
  lock = std::move(*taken);
  return {};
}

Result<void> Outbox::Impl::OpenWritable() {
  if (auto finished = DatabaseReplacement(DatabasePath(), options.database.vfs).Finish(); !finished) {
    return finished;
  }
  if (!options.only_reads) {
    if (auto sound = SalvageWhereDamaged(); !sound) return sound;
  }
  return OpenStore(options.database, options.only_reads ? 0 : options.reserve_bytes);
}

std::filesystem::path Outbox::Impl::DatabasePath() const {
  return options.directory / file_name;
}

// Whatever it held in memory is loaded anew.
Result<void> Outbox::Impl::OpenStore(const DatabaseOptions& how, std::uint64_t reserve) {
  reserve_bytes = reserve;
  try {
    auto opened = OpenFiles(how);
    if (opened) opened = LoadStore();
    if (!opened) CloseStore();
    return opened;
  } catch (const StorageFault& fault) {
    CloseStore();
    return fault.error();
  } catch (const SQLite::Exception& exception) {
    CloseStore();
    return ErrorFromSqlite(exception);
  }
}

Result<void> Outbox::Impl::OpenFiles(const DatabaseOptions& how) {
  auto opened =
      ReservedDatabase::Open(DatabasePath(), how, options.max_bytes + kHeadroomBytes, reserve_bytes);
  if (!opened) return opened.error();
  files = std::move(*opened);
  database = &files->Handle();
  CheckSchema();
  if (auto migrated = Migrate(*database, "outbox " + options.directory.string(), kOutboxMigrations);
      !migrated) {
    return migrated;
  }
  if (!ReadingOnly()) {
    auto mark = HighWaterMark::Open(options.directory / kMarkFile, how.vfs);
    if (!mark) return mark.error();
    SetMark(std::move(*mark));
    if (!options.only_reads) {
      if (auto synced = SyncDirectory(options.directory); !synced) return synced;
    }
  }
  statements = std::make_unique<Statements>(*database);
  return {};
}

// What begins an epoch waits for a disk that can keep it.
Result<void> Outbox::Impl::LoadStore() {
  StatementRun(statements->begin).Execute();
  if (auto owner = CheckOwner(); !owner) return owner;
  Load();
  marked = {};
  if (ReadingOnly()) {
    if (epochs.empty()) {
      return Error{ErrorCode::kUnavailable, "the outbox was never written", "make its disk writable"};
    }
    on_disk_through = std::max(on_disk_through, MarkedPosition());
  } else {
    if (epochs.empty()) BeginEpoch(0, Hash{}, "the outbox was created");
    const std::size_t epochs_before = epochs.size();
    CheckMachine();
    CheckHighWaterMark();
    FinishSalvage(epochs_before);
  }
  StatementRun(statements->commit).Execute();
  if (!ReadingOnly()) on_disk_through = last_position;
  WriteHighWaterMark();
  HoldRoom();
  MeasureRoom();
  return {};
}

void Outbox::Impl::CloseStore() {
  statements.reset();
  SetMark(nullptr);
  if (files && ReadingOnly()) files->Distrust();
  database = nullptr;
  files.reset();
}

// An outbox belongs to one terminal for life: its hashes carry that name.
Result<void> Outbox::Impl::CheckOwner() {
  const std::string store = ReadMeta("store_id");
  if (options.only_reads) {
    options.store_id = store;
    options.terminal_id = ReadMeta("terminal_id");
    if (!store.empty()) return {};
    return Error{ErrorCode::kNotFound, "outbox " + options.directory.string() + " was never used",
                 "name the outbox.directory of the terminal's configuration"};
  }
  if (store.empty()) {
    WriteMeta("store_id", options.store_id);
    WriteMeta("terminal_id", options.terminal_id);
    WriteMeta("machine_id", options.machine_id);
    return {};
  }
  const std::string terminal = ReadMeta("terminal_id");
  if (store == options.store_id && terminal == options.terminal_id) return {};
  return Error{
      ErrorCode::kFailedPrecondition,
      "outbox " + options.directory.string() + " belongs to store " + Excerpt(store) + ", terminal " +
          Excerpt(terminal) + ", not to store " + options.store_id + ", terminal " + options.terminal_id,
      "correct terminal.store_id and terminal.terminal_id, or give this terminal another outbox.directory"};
}

void Outbox::Impl::Load() {
  epochs.clear();
  SQLite::Statement select_epochs(
      *database,
      "SELECT ordinal, epoch, base, genesis, retained, last_hash, backed_up, issued, why FROM epochs "
      "ORDER BY ordinal");
  for (StatementRun run(select_epochs); run.Step();) {
    EpochRow row;
    row.ordinal = static_cast<std::uint32_t>(run.Unsigned(0));
    row.epoch = run.Unsigned(1);
    row.base = run.Unsigned(2);
    row.genesis = run.HashAt(3);
    if (!run.IsNull(4)) row.retained = run.Unsigned(4);
    if (!run.IsNull(5)) row.last_hash = run.HashAt(5);
    row.backed_up = run.Unsigned(6);
    if (!run.IsNull(7)) row.issued = run.Unsigned(7);
    row.why = run.Text(8);
    epochs.push_back(row);
  }

  delivered = {};
  SQLite::Statement select_delivered(*database, "SELECT first, last FROM delivered");
  for (StatementRun run(select_delivered); run.Step();)
    delivered.Add(RequireRange(run.Unsigned(0), run.Unsigned(1), "delivered"));
  parked = {};
  tombstoned = {};
  SQLite::Statement select_exceptions(*database, "SELECT position, kind FROM exceptions");
  for (StatementRun run(select_exceptions); run.Step();) {
    const auto kind = static_cast<ExceptionKind>(run.Int(1));
    Require(kind == ExceptionKind::kParked || kind == ExceptionKind::kTombstoned,
            "exceptions has an unknown kind");
    (kind == ExceptionKind::kParked ? parked : tombstoned)
        .Add(RequireRange(run.Unsigned(0), run.Unsigned(0), "exceptions"));
  }
  losses.clear();
  SQLite::Statement select_lost(*database, "SELECT kind, first, last, epoch, announced FROM lost_ranges");
  for (StatementRun run(select_lost); run.Step();) {
    const Interval range = RequireRange(run.Unsigned(1), run.Unsigned(2), "lost_ranges");
    if (run.Int(4) == kLossSafe) {
      losses[run.Unsigned(3)].safe.Add(range);
    } else {
      AddLoss(run.Unsigned(3), static_cast<TombstoneKind>(run.Int(0)), range);
    }
  }

  // Pruning always leaves the last event in place, so an empty table means that nothing was ever captured.
  last_position =
      static_cast<Position>(database->execAndGet("SELECT ifnull(max(position), 0) FROM events").getInt64());
  first_retained =
      static_cast<Position>(database->execAndGet("SELECT ifnull(min(position), 1) FROM events").getInt64());
  total_bytes = 0;
  if (last_position > 0) {
    StatementRun run(statements->event_header);
    run.Bind(last_position).Step();
    total_bytes = run.Unsigned(5);
  }
  // The centre has what is delivered, whatever else was said of it.
  for (const auto& [first, last] : delivered.Ranges()) {
    parked.Remove({first, last});
    tombstoned.Remove({first, last});
  }
  if (epochs.empty()) return Require(last_position == 0, "it has events, but no epoch");
  CheckLoaded();
  head = last_position > epochs.back().base ? RequireHashOf(last_position) : epochs.back().genesis;
}

// A copied machine image carries the outbox along: its copies must not go on in one epoch.
void Outbox::Impl::CheckMachine() {
  const std::string stored = ReadMeta("machine_id");
  if (options.machine_id.empty() || stored == options.machine_id) return;
  WriteMeta("machine_id", options.machine_id);
  if (stored.empty()) return;
  BeginEpoch(last_position, head, "the outbox was copied to another machine");
  AddIncident(
      "this outbox was made on another machine; captures go into a new epoch, so that the two stay apart");
}

}  // namespace tillwire
