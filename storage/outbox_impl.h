// What the files outbox*.cc share. Nobody else includes it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/epoch_layout.h"
#include "storage/outbox.h"
#include "storage/outbox_words.h"
#include "storage/overlay_vfs.h"
#include "storage/reserved_database.h"

namespace tillwire {

// Beside the database.
inline constexpr char kMarkFile[] = "outbox.hwm";

// Between the first two attempts to write again after the disk failed.
inline constexpr std::chrono::seconds kFirstPatience{2};

// Why an event is neither pending nor delivered; the numbers are those of the table `exceptions`.
enum class ExceptionKind { kParked = 1, kTombstoned = 2 };

// What of an epoch will never come, or not under its identity.
struct EpochLosses {
  IntervalSet lost;  // sequences that are no longer here
  IntervalSet safe;  // likewise, but the centre turned out to have them
  std::uint64_t damaged = 0;
  std::uint64_t released = 0;
};

// How many numbers of a set lie in a span.
[[nodiscard]] std::uint64_t CountIn(const IntervalSet& set, Interval span);

// A row of `events` with its identity.
struct EventRow {
  Position position = 0;
  Record record;
  std::optional<Position> predecessor;
};

class Outbox::Impl {
 public:
  // Prepared statements, by what they do.
  struct Statements {
    explicit Statements(SQLite::Database& database);

    SQLite::Statement begin, commit, rollback;
    SQLite::Statement insert_event, read_event, read_events, update_identity, find_by_id, event_header;
    SQLite::Statement find_predecessor;
    SQLite::Statement find_lane, put_lane, drop_lane;
    SQLite::Statement find_key, put_key;
    SQLite::Statement drop_delivered, put_delivered;
    SQLite::Statement put_exception, drop_exceptions, find_exception;
    SQLite::Statement put_incident;
    SpaceMeter space;
  };

  Impl(OutboxOptions with_options, const Clock& by_clock, Rng& by_rng)
      : options(std::move(with_options)), clock(by_clock), rng(by_rng) {}

  // outbox_opening.cc
  Result<void> TakeDirectory();
  [[nodiscard]] std::filesystem::path DatabasePath() const;
  Result<void> OpenWritable();
  Result<void> OpenStore(const DatabaseOptions& how, std::uint64_t reserve);
  Result<void> OpenFiles(const DatabaseOptions& how);
  Result<void> LoadStore();
  void CloseStore();
  Result<void> CheckOwner();
  void Load();
  void CheckMachine();

  // outbox_damage.cc
  Result<void> SalvageWhereDamaged();
  [[nodiscard]] std::optional<Error> LookForDamage(const std::string& file,
                                                   const std::string& overlay_name) const;
  [[nodiscard]] std::optional<Error> FindDamage(const OutboxOptions& wanted);
  [[nodiscard]] bool EpochEndsProve(bool of_one_too);
  Result<void> Salvage(const Error& damage);
  [[nodiscard]] Result<std::string> FreeStem() const;
  void FinishSalvage(std::size_t epochs_before);
  void NoticeDamage(const Error& error);
  void RequireSoundStructure();
  // Runs what may meet damage.
  template <typename Body>
  auto Watching(Body body) -> decltype(body()) {
    try {
      return body();
    } catch (const StorageFault& fault) {
      NoticeDamage(fault.error());
      throw;
    }
  }

  // outbox_verification.cc
  void Verify(Verification& verification);
  void VerifyMark(Verification& verification);
  void VerifyEvents(Verification& verification);
  void VerifyEvent(Position position, const std::optional<EventRow>& row, std::optional<RecordRef>& before,
                   Verification& verification);
  void VerifyTables(Verification& verification);

  // outbox_rescue.cc
  [[nodiscard]] Error Explained(const Error& cause) const;
  void Doubt(const Error& error);
  void Despair(const Error& error);
  void GoOnReading(const Error& why);
  void RequireUsable();
  void TryToWrite();
  Result<void> CopyToNewFiles();
  Result<void> ProbeDirectory();
  void NoteRescue(const std::string& text);
  [[nodiscard]] Error RefusalInTrouble(const CaptureInput& input);
  void RequireWritable() const;  // throws StorageFault
  // Whether what is written stays in memory.
  [[nodiscard]] bool ReadingOnly() const { return overlay != nullptr; }
  void SetMark(std::shared_ptr<HighWaterMark> mark);
  [[nodiscard]] Position MarkedPosition();
  [[nodiscard]] Position SendableThrough() const;

  // outbox.cc
  Result<Captured> Capture(const CaptureInput& input);
  void WriteHighWaterMark();
  [[nodiscard]] RecordId IdOf(Position position) const;
  [[nodiscard]] std::optional<Hash> HashOf(Position position);
  [[nodiscard]] Hash RequireHashOf(Position position);
  [[nodiscard]] std::string ReadMeta(const std::string& name);
  void WriteMeta(const std::string& name, const std::string& value);
  void AddIncident(const std::string& text);

  // outbox_check.cc; StorageFault(kDataLoss) where the file can't be right
  void CheckSchema();
  void CheckLoaded();
  static void Require(bool holds, const std::string& what);
  static Interval RequireRange(std::uint64_t first, std::uint64_t last, const char* what);

  // outbox_delivery.cc
  [[nodiscard]] bool Resolved(Position position) const;
  [[nodiscard]] Position FirstUnresolved(Position from) const;
  [[nodiscard]] Position NextPending(Position after) const;
  [[nodiscard]] Position PendingRunEnd(Position first) const;
  PendingPage ReadPending(Position after, std::size_t max_records, std::size_t max_bytes);
  void ApplyOutcomes(const std::vector<EventOutcome>& outcomes);
  [[nodiscard]] EventRow ReadRow(StatementRun& run) const;
  [[nodiscard]] std::optional<EventRow> TryReadRow(StatementRun& run) const;
  void Confirm(Interval interval);
  void AddDelivered(Interval interval);
  void RemoveDelivered(Interval interval);
  void PutException(Position position, ExceptionKind kind, const std::string& reason,
                    const std::string& detail);
  void DropExceptions(Interval interval, bool keep_given_up);
  [[nodiscard]] std::optional<Position> AwaitedPredecessor(std::optional<Position> predecessor);
  [[nodiscard]] std::optional<Position> PredecessorOf(Position position);

  // outbox_listing.cc
  [[nodiscard]] Interval RunAt(Position position) const;
  using LaneRoots =
      std::unordered_map<std::string, Position>;  // of one look: a lane's first unresolved event
  [[nodiscard]] std::optional<Position> LaneRoot(std::optional<Position> predecessor);
  void CompleteView(EventView& view, std::optional<Position> predecessor, LaneRoots& lane_roots);
  [[nodiscard]] EventPage ListLane(const EventQuery& query);
  [[nodiscard]] EventPage ListIds(const UuidRange& ids);

  // outbox_history.cc
  [[nodiscard]] Position EndOf(const EpochRow& row) const {
    return row.base + row.retained.value_or(last_position - row.base);
  }
  EpochRow& OpenEpoch() { return epochs.back(); }
  std::uint64_t BeginEpoch(Position base, const Hash& head, const std::string& why);
  void CloseEpoch(EpochRow& row, std::uint64_t retained, std::uint64_t issued, const Hash& last_hash);
  WelcomeReport ApplyWelcome(const Welcome& welcome);
  MoveReport MoveSuffix(std::uint64_t epoch, const std::string& why);
  void KeepEpochCopy();
  void ReconcileEpoch(EpochRow& row, const EpochState& state, WelcomeReport& report);
  bool AgreesAt(const EpochRow& row, std::uint64_t sequence, const Hash& hash);

  // outbox_losses.cc
  [[nodiscard]] const EpochRow* RowOf(std::uint64_t epoch) const;
  [[nodiscard]] std::uint64_t IssuedIn(const EpochRow& row) const;
  [[nodiscard]] std::optional<Tombstone> BeyondFile() const;
  void CheckHighWaterMark();
  void DeclareLost(const Tombstone& tombstone);
  void GiveUp(Position position, const Record& record, TombstoneKind kind, const std::string& cause);
  void DeclareDamaged(Position position, const Record& record);
  [[nodiscard]] std::optional<Hash> HashBeside(Position position, Position neighbour);
  void DeclareUnreadable(Position position);
  void CloseSequence(Position position, const Tombstone& tombstone);
  void ForgetGivenUp(RecordId id);
  void AddLoss(std::uint64_t epoch, TombstoneKind kind, Interval sequences);
  void RemoveLoss(std::uint64_t epoch, TombstoneKind kind, Interval sequences);
  void SetAnnounced(std::int64_t row, bool announced);
  void RememberSafe(const Tombstone& tombstone);
  [[nodiscard]] std::vector<Interval> CalledLost(std::uint64_t epoch, Interval sequences);
  // The last one includes what is safe.
  enum class LossFilter { kUnannounced, kNotReleased, kAll };
  [[nodiscard]] std::vector<LostRange> LostRanges(LossFilter filter, std::size_t limit);
  [[nodiscard]] std::optional<Position> PositionOf(RecordId id) const;
  [[nodiscard]] std::optional<Position> MovableEvent(const Tombstone& tombstone);
  [[nodiscard]] std::optional<Position> FirstUnconfirmedGivenUp(std::uint64_t epoch);
  void NoteFound(std::uint64_t epoch, Interval sequences);
  void ReconcileLostRanges(const Welcome& welcome);
  void ReconcileLostRange(const LostRange& row, const EpochState& state);

  // outbox_digest.cc
  [[nodiscard]] EpochDigest DigestOf(const EpochRow& row);

  // outbox_reserve.cc
  void HoldRoom();
  void MeasureRoom();
  void TakeRoom(std::uint64_t bytes);
  [[nodiscard]] std::optional<Error> RoomRefusal(CaptureKind kind, std::uint64_t bytes);
  void RequirePagesHeld();
  void MoveLogWhenDue();
  void MoveLog();

  // outbox_upkeep.cc
  [[nodiscard]] std::uint64_t TotalBytesAt(Position position);
  [[nodiscard]] Position BackedUpThrough() const;
  [[nodiscard]] Position PrunableAtMost() const;
  [[nodiscard]] Position PrunableThrough(WallTime server_time);
  bool PruneForRoom();
  Upkeep Maintain(WallTime server_time);
  void NoteAnchor(WallTime server_time);
  [[nodiscard]] bool NearlyFull() const;
  [[nodiscard]] bool WantsWelcome() const;
  [[nodiscard]] std::string RoomRemedy() const;
  void PruneEvents(Position through);
  void NotePrunedNotInEffect(Position through);
  std::uint64_t PrunedNotInEffect();

  std::string file_name = kOutboxFile;  // the database's
  OutboxOptions options;                // store and terminal are the file's, once it is open
  const Clock& clock;
  Rng& rng;
  std::unique_ptr<OwnerLock> lock;
  std::mutex mark_mutex;  // the mark is synced by another thread
  std::shared_ptr<HighWaterMark> high_water_mark;
  std::unique_ptr<OverlayVfs> overlay;  // while nothing that lasts can be written
  std::unique_ptr<ReservedDatabase> files;
  SQLite::Database* database = nullptr;  // that of `files`
  std::unique_ptr<Statements> statements;

  // Of a disk that failed.
  std::optional<Error> trouble;     // why nothing that lasts can be written
  std::optional<Error> damage_met;  // the files are to be salvaged
  int salvages = 0;                 // for that
  bool suspect = false;             // a write or a sync failed: the files are only to be copied
  bool unsound = false;             // what is in memory can't be trusted: the files are to be opened anew
  BootTime try_again_at{};
  BootTime patience = kFirstPatience;
  std::uint64_t openings = 0;  // since the first
  // What lies above it may be gone after a power cut: a commit that failed in doubt can be read from the
  // files all the same.
  Position on_disk_through = 0;

  // Held in memory, always equal to the tables after Commit() or Load().
  std::vector<EpochRow> epochs;  // by ordinal; the last is open
  Position last_position = 0;
  Position first_retained = 1;  // what lies below was pruned
  Hash head;                    // of the last record, or the open epoch's genesis
  std::uint64_t total_bytes = 0;
  std::uint64_t reserve_bytes = 0;        // of the files that are open
  RoomMeasure measure;                    // as of Begin(), less what was captured since
  OutboxRoom room;                        // likewise
  bool pruned_for_room = false;           // in this transaction
  bool move_log_next = false;             // before the next transaction
  std::uint32_t move_log_from_pages = 0;  // not before that many stand in it
  IntervalSet delivered;
  IntervalSet parked;
  IntervalSet tombstoned;
  std::map<std::uint64_t, EpochLosses> losses;  // by epoch
  RecordRef marked;                             // what the high-water mark says
};

}  // namespace tillwire
