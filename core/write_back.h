// The messages of IngestionService.WriteBack in our own words; their meaning is in
// proto/tillwire/v1/ingestion.proto. The uplink and the ingestion logic speak these; proto/write_back_codec
// turns them into the wire's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/record.h"
#include "core/uuid.h"

namespace tillwire {

struct EpochSummary {
  std::uint64_t epoch = 0;
  std::uint64_t first_retained = 1;
  std::uint64_t last = 0;
  std::optional<Hash> hash_below_first_retained;
  std::optional<Hash> last_hash;
};

struct Hello {
  std::string store_id;
  std::string terminal_id;
  Uuid instance_id;
  std::uint64_t stream_generation = 0;
  std::vector<EpochSummary> epochs;
  std::string agent_version;
};

struct AcceptedRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  Hash last_hash;
};

struct ResolvedSequence {
  std::uint64_t sequence = 0;
  Hash hash;
};

struct TombstonedRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<Hash> last_hash;  // absent where nobody knows it
};

struct EpochState {
  std::uint64_t epoch = 0;
  std::vector<AcceptedRange> accepted;  // ascending
  std::vector<ResolvedSequence> parked;
  std::vector<TombstonedRange> tombstoned;
  std::uint64_t backed_up_through = 0;
  Hash backed_up_hash;
};

struct StreamLimits {
  std::uint32_t max_batch_records = 512;
  std::uint32_t max_batch_bytes = 256 * 1024;
  std::uint32_t window_batches = 4;
  std::chrono::milliseconds digest_interval{0};  // 0: the centre takes no digests
};

struct Welcome {
  std::vector<EpochState> epochs;
  std::string ledger_incarnation;
  StreamLimits limits;
  WallTime server_time;
};

struct EventBatch {
  std::uint64_t batch_id = 0;
  std::uint64_t epoch = 0;
  std::vector<Record> records;  // all of that epoch, ascending
};

enum class TombstoneKind { kUnspecified, kLost, kDamaged, kReleased };

struct Tombstone {
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  TombstoneKind kind = TombstoneKind::kLost;
  std::optional<Hash> last_hash;
  std::optional<Hash> previous_hash;
  std::string cause;
};

struct Tombstones {
  std::uint64_t batch_id = 0;
  std::vector<Tombstone> tombstones;
};

// The counts of one epoch, by the outbox that holds it.
struct EpochDigest {
  std::uint64_t epoch = 0;
  std::uint32_t ordinal = 0;           // 0 of an epoch that the outbox's file has forgotten
  std::uint64_t last = 0;              // the highest sequence ever given out
  std::uint64_t kept_through = 0;      // above it: moved or lost
  std::optional<Hash> last_hash;       // of the record at kept_through
  std::uint64_t resolved_through = 0;  // delivered or closed without a gap
  std::uint64_t delivered = 0;
  std::uint64_t pending = 0;
  std::uint64_t parked = 0;
  std::uint64_t moved = 0;
  std::uint64_t lost = 0;
  std::uint64_t damaged = 0;
  std::uint64_t released = 0;
  std::uint64_t not_in_effect = 0;
  std::string why;  // it began

  // Whether each sequence is accounted for once.
  [[nodiscard]] bool AddsUp() const;
  bool operator==(const EpochDigest&) const = default;
};

// How a terminal stands by its own count.
struct Digest {
  std::vector<EpochDigest> epochs;  // oldest first
  std::uint64_t outbox_used_bytes = 0;
  std::uint64_t outbox_max_bytes = 0;
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t spool_waiting = 0;
  std::uint64_t spool_bad = 0;
  std::optional<std::chrono::milliseconds> oldest_pending_age;
  std::optional<WallTime> clock_time;  // the terminal's, when it was sent
  bool clock_synchronized = false;
  std::chrono::milliseconds uptime{0};
};

enum class Disposition { kUnspecified, kAccepted, kDuplicate, kParked, kRetry, kConflict, kTombstoned };

enum class ParkReason {
  kUnspecified,
  kTooManyLines,
  kStoreNotAllowed,
  kInvalidEvent,
  kHashMismatch,
  kEventIdReused,
};

// The reason as in the contract without its prefix: "TOO_MANY_LINES".
const char* ParkReasonName(ParkReason reason);

struct RecordResult {
  std::uint64_t sequence = 0;
  Disposition disposition = Disposition::kUnspecified;
  ParkReason park_reason = ParkReason::kUnspecified;
  std::string detail;
  std::chrono::milliseconds retry_delay{0};
  bool lane_held = false;
};

struct BatchResult {
  std::uint64_t batch_id = 0;
  std::vector<RecordResult> results;  // in the order of the batch
};

struct StartNewEpoch {
  std::uint64_t forked_epoch = 0;
  std::uint64_t fork_sequence = 0;
};

struct Pushback {
  std::chrono::milliseconds retry_after{0};
};

using ToCentre = std::variant<Hello, EventBatch, Tombstones, Digest>;
using ToAgent = std::variant<Welcome, BatchResult, StartNewEpoch, Pushback>;

}  // namespace tillwire
