// The agent's durable queue: what an associate did, on disk, until the centre has it.
//
// docs/outbox-format.md describes the files. One Outbox owns them; it is used by one thread at a time (in the
// agent, the thread of GroupCommit). Everything between Begin() and Commit() is one transaction; it is
// durable, that is, synced, when Commit() returns. Expected outcomes are Results; a failing disk throws
// StorageFault (storage/database.h), after which the caller must Rollback().
//
// Every event has a *position*: its place in capture order over all epochs, from 1. An epoch is a run of
// positions, so that (epoch, sequence) follows from a position and a small table. A position never changes;
// on a fork the events from some position on get new identities (epoch, sequence, hash) where they stand.
//
// What holds for many events at once is held as ranges of positions, so nothing here reads or writes in
// proportion to the backlog, except MoveSuffix().
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/event.h"
#include "core/interval_set.h"
#include "core/record.h"
#include "core/result.h"
#include "core/rng.h"
#include "core/uuid.h"
#include "core/write_back.h"
#include "storage/database.h"
#include "storage/group_commit.h"
#include "storage/high_water_mark.h"
#include "storage/outbox_room.h"
#include "storage/outbox_verification.h"
#include "storage/owner_lock.h"

namespace tillwire {

using Position = std::uint64_t;

// The database, in the outbox's directory.
inline constexpr char kOutboxFile[] = "outbox.db";

struct OutboxOptions {
  std::filesystem::path directory;
  std::string store_id;
  std::string terminal_id;
  std::string
      machine_id;  // of the machine that runs the agent; another one than stored means a copied outbox
  std::uint64_t max_bytes = 2ULL << 30;             // of the database file; captures beyond it are refused
  std::uint64_t reserve_bytes = 8ULL << 20;         // held for what must go on when the disk is full
  std::chrono::hours delivered_retention{30 * 24};  // by the centre's clock
  std::uint64_t delivered_max_bytes = 256ULL << 20;
  std::chrono::hours idempotency_retention{90 * 24};  // likewise; but never before the event is pruned
  DatabaseOptions database;                           // the tests' seam: another VFS, syncing off
  std::string program = "tillwired";                  // the owner lock says so to others
  // For one who only looks at the outbox of a stopped agent, on an OverlayVfs (storage/overlay_vfs.h), which
  // `database` names: store and terminal are the file's, another machine and a high-water mark that is ahead
  // change nothing, and the owner lock is taken without writing where that can't be.
  bool only_reads = false;
};

// One event to store. The caller has validated and serialized it.
struct CaptureInput {
  Uuid event_id;
  std::string lane;
  std::optional<Uuid> joins_lane_of;  // follow this event's lane where it is known here
  std::string event;                  // the serialized StoreEvent
  WallTime captured_at;
  EventSource source = EventSource::kUnspecified;  // as in the event; for whoever counts
  CaptureKind kind = CaptureKind::kCancellation;   // likewise; decides what is refused first
  struct Idempotency {
    Hash key;      // of the caller's key
    Hash content;  // of the action that the caller supplied
  };
  std::optional<Idempotency> idempotency;
  bool id_from_outside =
      false;  // event_id follows from what the caller gave: it may be another event's already
};

struct Captured {
  Uuid event_id;
  RecordId id;
  bool repeated = false;  // the key was known: this names the first capture, and nothing was stored
  Position position = 0;
};

// A record that waits for the centre.
struct PendingRecord {
  Position position = 0;
  Record record;
  // The event of its lane that must be resolved before it; nothing if there is none left.
  std::optional<Position> awaits;
};

struct PendingPage {
  std::vector<PendingRecord> records;  // ascending by position
  Position scanned_through = 0;        // nothing else is pending at or below it, above where the read began
  bool at_end = false;                 // nothing is pending above it
  std::vector<Position> damaged;       // given up by this read because their hash failed
};

// What the centre said about one event.
struct EventOutcome {
  Position position = 0;
  RecordResult result;
};

// A range of sequences that will never come from this outbox: lost, damaged or released.
struct LostRange {
  std::int64_t row = 0;
  Tombstone tombstone;
  WallTime detected_at;
  bool announced = false;  // the centre has confirmed the tombstone
  bool safe = false;       // the centre has the events themselves; remembered in case it loses them
  bool movable = false;    // of one event that is still here: a fork can give it another identity
};

struct ParkedEvent {
  Uuid event_id;
  RecordId id;
  std::string lane;
  std::string reason;  // a word: TOO_MANY_LINES, ..., DAMAGED
  std::string detail;
  WallTime parked_at;
};

// Where an event stands.
enum class EventState {
  kPending,
  kDelivered,
  kParked,
  kReleased,     // a person gave it up
  kDamaged,      // its bytes fail their hash; given up
  kNotInEffect,  // reached the centre after its sequence had been given up
};

// An event for people.
struct EventView {
  Position position = 0;
  Uuid event_id;
  RecordId id;
  std::string lane;
  WallTime captured_at;
  EventState state = EventState::kPending;
  std::string reason;               // with kParked: a word, as ParkedEvent has it
  std::string detail;               // in words, where it is neither pending nor delivered
  std::optional<WallTime> since;    // likewise
  std::optional<Position> held_by;  // with kPending: the first unresolved event of its lane before it
  std::optional<Uuid> held_by_id;   // likewise
  std::string event;                // the serialized StoreEvent; empty if it is damaged
};

// Which events List() gives.
struct EventQuery {
  std::vector<EventState> states;  // all if empty
  std::string lane;                // all if empty
  std::optional<WallTime> since;   // captured then or later, by this terminal's clock
  Position after = 0;              // positions above this one
  std::optional<Position> before;  // positions below this one
  bool newest_first = false;
  // Only events whose id is one of these, in the order of their ids, at most kListPage; nothing else counts.
  std::optional<UuidRange> ids;
};

struct EventPage {
  std::vector<EventView> events;
  Position scanned = 0;  // the last position that was looked at: go on after it (or before it, newest first)
  bool at_end = false;
};

// Somebody holds the uplink back, for kMaxPause at most: a forgotten pause must not become the silence that
// this product is there to end.
inline constexpr std::chrono::hours kMaxPause{24};
struct UplinkPause {
  std::string operator_id;
  std::string reason;
  WallTime since;
  WallTime until;
};

struct Incident {
  WallTime time;
  std::string text;
};

struct OutboxStatus {
  std::uint64_t pending = 0;  // without parked
  std::uint64_t parked = 0;
  std::uint64_t delivered = 0;
  std::uint64_t not_in_effect = 0;  // reached the centre after their sequence had been given up
  std::uint64_t lost = 0;           // damaged ones included
  std::uint64_t released = 0;       // given up by people
  std::optional<WallTime> oldest_pending;
  std::uint64_t epoch = 0;
  std::uint32_t epoch_ordinal = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t max_bytes = 0;
  OutboxRoom room;
  std::optional<Error> trouble;            // why nothing that lasts can be written
  std::vector<ParkedEvent> parked_events;  // the oldest
  std::vector<LostRange> lost_ranges;      // the oldest
  std::vector<Incident> incidents;         // the newest first
};

// What Maintain() did, and left to do.
struct Upkeep {
  bool pruned = false;       // some events went
  bool more = false;         // another step would prune more
  bool nearly_full = false;  // the file is
  // It is, and what a new Welcome says is backed up could make room.
  bool wants_welcome = false;
};

// What a Welcome changed here.
struct WelcomeReport {
  std::uint64_t newly_delivered = 0;
  std::uint64_t pending_again =
      0;  // had been delivered, parked or tombstoned; the centre does not confirm it
  std::uint64_t declared_lost = 0;  // pending again but no longer retained
};

struct MoveReport {
  std::uint64_t new_epoch = 0;
  std::uint64_t moved = 0;
  Position first_position = 0;  // of what moved; last_position + 1 if nothing did
};

class Outbox final : public Transactional {
 public:
  // How many parked events, lost ranges and incidents Status() lists.
  static constexpr std::size_t kStatusListLimit = 20;

  // Opens the outbox in options.directory, creating it where there is none: takes the owner lock, checks the
  // settings that durability rests on, migrates an older schema, compares the high-water mark and the machine
  // id, and begins a new epoch where either says so. Refuses, and changes nothing: a directory in use, a
  // newer schema, another terminal's outbox, a damaged file. On a disk that is full, read-only or fails it
  // opens all the same: see Trouble(). Does not read in proportion to the backlog.
  static Result<std::unique_ptr<Outbox>> Open(const OutboxOptions& options, const Clock& clock, Rng& rng);

  ~Outbox() override;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // -- Transactional

  // After a fault of the disk: opens the files anew first, or copies them to new ones where it is not known
  // what is on the disk; where that fails, goes on reading, and tries again later. Throws StorageFault where
  // nothing can be read.
  void Begin() override;
  // Synced when it returns; then the high-water mark is written. kResourceExhausted: nothing was recorded.
  void Commit() override;
  void Rollback() noexcept override;  // also takes back what is held in memory
  [[nodiscard]] bool ComesBack() const override { return true; }

  // -- Capture (in a transaction)

  // Stores one event. kAlreadyExists: the key was used for other content, or the id from outside for another
  // event. kUnavailable, kUnknown: see Trouble(). kResourceExhausted: too little room is left for an event of
  // its kind; the hint says what would make room. Where room is short, one step of what could be pruned is
  // pruned first.
  Result<Captured> Capture(const CaptureInput& input);

  // -- Delivery (in a transaction)

  // What Hello has to say.
  [[nodiscard]] std::vector<EpochSummary> Epochs();
  // Rule 3: recomputes delivered from what the centre holds, wherever the hashes agree; the rest is pending
  // again.
  WelcomeReport ApplyWelcome(const Welcome& welcome);
  // The next records above `after` that wait, at most max_records and, from the second on, max_bytes of
  // events. Verifies each hash; a damaged event is given up (a tombstone closes its sequence) and does not
  // come. Nor does, while nothing can be written (see Trouble()), what is not known to be on the disk; after
  // that Openings() has counted up.
  PendingPage ReadPending(Position after, std::size_t max_records, std::size_t max_bytes);
  // Records what the centre answered. RETRY and CONFLICT change nothing here.
  void ApplyOutcomes(const std::vector<EventOutcome>& outcomes);
  // Rule 4: gives every event of `epoch` above its contiguous confirmed watermark, and everything captured
  // after it, a new identity in a new epoch, and makes it pending; an event that was given up stays so, and
  // does not count as confirmed before its tombstone is. Reads and rewrites all of those.
  MoveReport MoveSuffix(std::uint64_t epoch, const std::string& why);
  // Captures go into a new epoch from now on; no event changes. Nothing, and nothing changes, where nothing
  // that lasts can be written (see Trouble()): nothing is captured then either.
  std::optional<std::uint64_t> StartEpoch(const std::string& why);
  // Parked to pending. kNotFound, kFailedPrecondition (not parked, or damaged). Returns position and reason.
  struct Requeued {
    Position position = 0;
    std::string reason;
  };
  Result<Requeued> Requeue(const Uuid& event_id);
  // The same for what is parked for `reason`, the first kRequeuePage of them. Returns their positions,
  // ascending.
  static constexpr std::size_t kRequeuePage = 1024;
  std::vector<Position> RequeueAll(const std::string& reason);
  // Gives a parked event up for good; `cause` tells the centre's people who did it and why. Its successors
  // may go once the centre knows. kNotFound; kFailedPrecondition (not parked, or an earlier event of its lane
  // is not resolved: a sequence must not close before those that its lane puts before it).
  Result<Requeued> Release(const Uuid& event_id, const std::string& cause);
  // Lost ranges that the centre has not confirmed and may learn of now, those of events in the order of their
  // capture, and so of their lane: one event's only when the lane's events before it are resolved. `held`:
  // there are others.
  struct Unannounced {
    std::vector<LostRange> ranges;
    bool held = false;
  };
  [[nodiscard]] Unannounced UnannouncedLostRanges(std::size_t limit);
  void MarkAnnounced(const std::vector<std::int64_t>& rows);
  // The centre has them after all. What is no longer here is remembered, and named again should the centre
  // lose it.
  void DropLostRanges(const std::vector<std::int64_t>& rows);

  // -- Upkeep (in a transaction)

  // Notes the centre's clock, and prunes one step of what is delivered, backed up and older than the
  // retention, or more than delivered_max_bytes.
  Upkeep Maintain(WallTime server_time);

  // Kept over a restart; nothing here acts on it.
  void SetPause(const std::optional<UplinkPause>& pause);
  [[nodiscard]] std::optional<UplinkPause> Pause();
  // The newest time of the centre's clock that was noted here, an hour coarse. Nothing if there is none.
  [[nodiscard]] std::optional<WallTime> LatestServerTime();

  // -- Looking (in a transaction or out of one)

  // How many events List() looks at in one call, so that captures need not wait long for it.
  static constexpr std::size_t kListPage = 512;

  // kNotFound: never captured here, or pruned since.
  [[nodiscard]] Result<EventView> Find(const Uuid& event_id);
  // Those of the positions that are still here, in the order given.
  [[nodiscard]] std::vector<EventView> Views(const std::vector<Position>& positions);
  [[nodiscard]] EventPage List(const EventQuery& query);

  [[nodiscard]] OutboxStatus Status();
  // What the centre is told of this outbox: epochs, space, and the age of what waits. The caller adds what is
  // not the outbox's: spool, clock, uptime.
  [[nodiscard]] Digest ReadDigest();
  [[nodiscard]] Position LastPosition() const;
  // Whose outbox it is.
  [[nodiscard]] const std::string& StoreId() const;
  [[nodiscard]] const std::string& TerminalId() const;
  [[nodiscard]] const std::filesystem::path& Directory() const;
  // Why nothing that lasts can be written, with the remedy; nothing while all is well. Captures are refused
  // meanwhile (and throw: requeueing, releasing and forks); what the centre answers is held in memory, and
  // learnt again after it is over.
  [[nodiscard]] const std::optional<Error>& Trouble() const;
  // How many times the files were opened anew since Open(): what was known of pending events counts no more.
  [[nodiscard]] std::uint64_t Openings() const;
  // As it was when the last transaction began, less what it captured.
  [[nodiscard]] const OutboxRoom& Room() const;

  // -- Carrying (in a transaction): for one who takes what is left here to the centre by hand

  // What the high-water mark, as it was found, says was captured beyond what the file held.
  [[nodiscard]] std::optional<Tombstone> MissingByMark() const;
  // A lost range that the centre has not confirmed.
  struct CarriedLoss {
    LostRange range;
    std::optional<Position> position;  // where it is one event that is still here
    // The event of its lane that must be resolved at the centre before its sequence closes.
    std::optional<RecordId> awaits;
  };
  // All of them; those without a position first, the others by position.
  [[nodiscard]] std::vector<CarriedLoss> CarriedLosses();

  // -- Checking

  // Reads everything there is, in pages: SQLite's structures, each event's hash, the chain, tables against
  // each other, and the high-water mark as it was found. Changes nothing. For an outbox that nobody else uses
  // meanwhile: it takes as long as the file is long.
  [[nodiscard]] Verification Verify();

  // Syncs the high-water mark, if it was written since the last call. Any thread; slow.
  void SyncHighWaterMark();

 private:
  class Impl;
  explicit Outbox(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
