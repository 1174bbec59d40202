// What the centre remembers of a terminal, and what may be wrong with it. Plain data.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/interval_set.h"
#include "core/uuid.h"
#include "core/write_back.h"
#include "ingest/ledger/ledger.h"

namespace tillwire {

// Worst first; the numbers are those of the contract.
enum class TerminalFlag {
  kUnspecified,
  kGap,
  kLost,
  kDuplicate,
  kNewEpoch,
  kSilent,
  kBacklog,
  kBadFiles,
  kClock,
};
inline constexpr std::size_t kTerminalFlags = 9;  // values of the enum

// From when on something is wrong.
struct FlagLimits {
  std::chrono::milliseconds silent_after = std::chrono::hours(24);
  std::chrono::milliseconds backlog_after = std::chrono::minutes(15);
  std::chrono::milliseconds gap_after = std::chrono::minutes(10);
  std::chrono::milliseconds duplicate_after =
      std::chrono::minutes(2);  // a lost connection may look so for 40 s
  std::chrono::milliseconds clock_skew = std::chrono::minutes(5);
  std::chrono::milliseconds keep_flags = std::chrono::hours(7 * 24);  // that what is over is shown

  bool operator==(const FlagLimits&) const = default;
};

// What the ledger held of an epoch when it was compared with the terminal's count.
struct EpochFacts {
  std::uint64_t missing = 0;             // kept sequences that are neither accepted, parked nor closed
  std::uint64_t missing_resolved = 0;    // of those, how many the terminal holds to be resolved
  std::vector<Interval> missing_ranges;  // the first of the missing
  std::uint64_t parked = 0;
  bool hash_differs = false;  // of the record at the epoch's end

  bool operator==(const EpochFacts&) const = default;
};

struct EpochRecord {
  EpochDigest digest;
  Uuid instance;                            // the process that counted it last
  std::optional<WallTime> abandoned_since;  // the terminal no longer knows of it
  EpochFacts facts;

  // Sequences that nothing accounts for. What is pending or parked is accounted for while the terminal has
  // it.
  [[nodiscard]] std::uint64_t Unexplained() const;
};

// Since when something holds, or has held until it was over.
struct FlagState {
  WallTime since;
  std::optional<WallTime> ended;
  std::string detail;
};

struct TerminalRecord {
  StreamIdentity identity;
  WallTime first_seen;
  WallTime last_seen;
  std::string agent_version;
  std::optional<Digest> digest;             // the last, without its epochs
  WallTime digest_at;                       // by the centre's clock
  std::chrono::milliseconds clock_skew{0};  // the terminal's clock less the centre's, then
  std::vector<EpochRecord> epochs;          // oldest first
  // What was noticed. Some of it counts only after a time, and what follows from the time alone is not here.
  std::map<TerminalFlag, FlagState> noticed;

  // Counts over its epochs, as they stand at the centre.
  [[nodiscard]] std::uint64_t Unexplained() const;
  [[nodiscard]] std::uint64_t Waiting() const;  // pending there, and not here
  [[nodiscard]] std::uint64_t Parked() const;
  [[nodiscard]] bool MissesEvents() const;
  [[nodiscard]] std::uint64_t GivenUpByFault() const;  // lost and damaged
};

}  // namespace tillwire
