// The contract's limits. docs/wire-protocol.md lists them; what exceeds one is refused by name.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tillwire {

inline constexpr std::size_t kMaxEventBytes = 64 * 1024;  // serialized StoreEvent
inline constexpr std::size_t kMaxLines = 500;             // lines of an event
inline constexpr std::size_t kMaxIdBytes = 128;           // any identifier or code
inline constexpr std::size_t kMaxNoteBytes = 1024;        // free text
inline constexpr std::size_t kMaxReasonBytes = 512;  // why a person released an event or paused the uplink
inline constexpr std::size_t kMaxListEntries = 100;  // containers, bins, external ids

inline constexpr std::size_t kMaxLaneBytes = kMaxIdBytes + 32;  // a lane is an id with a word before it
inline constexpr std::size_t kMaxCauseBytes = 1024;             // what a tombstone says about itself
inline constexpr std::uint64_t kMaxSequence = 1ULL << 62;       // the highest that a ledger can hold

}  // namespace tillwire
