// What stands in the outbox's tables, as far as more than one reader knows it (docs/outbox-format.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tillwire {

// The reasons of an event that was given up here: its stored bytes fail their hash, or a person released it.
// It is never sent; its sequence is closed by a tombstone. Any other tombstoned event is one whose sequence
// the centre had closed when it arrived.
inline constexpr char kDamagedReason[] = "DAMAGED";
inline constexpr char kReleasedReason[] = "RELEASED";

// What the column `announced` of lost_ranges says. What is safe is remembered, not announced.
inline constexpr std::int64_t kLossUnannounced = 0;
inline constexpr std::int64_t kLossAnnounced = 1;
inline constexpr std::int64_t kLossSafe = 2;

// In `meta`: how many pruned events reached the centre after their sequence had been given up.
inline constexpr char kPrunedNotInEffect[] = "pruned_not_in_effect";

// In `meta`: the epochs once more, as EncodeEpochs() writes them (storage/epoch_layout.h).
inline constexpr char kEpochCopy[] = "epoch_copy";

inline constexpr std::size_t kIdBytes = 16;  // of an event

// Beyond these a value is a damaged one.
inline constexpr std::int64_t kMaxOrdinal = std::int64_t{1} << 31U;
inline constexpr std::int64_t kMaxAnchor =
    253'402'300'799'000'000;  // the end of the year 9999, in microseconds

}  // namespace tillwire
