// The contract's limits. docs/wire-protocol.md lists them; a capture that exceeds one is refused by name.
#pragma once

#include <cstddef>

namespace tillwire {

inline constexpr std::size_t kMaxEventBytes = 64 * 1024;  // serialized StoreEvent
inline constexpr std::size_t kMaxLines = 500;             // lines of an event
inline constexpr std::size_t kMaxIdBytes = 128;           // any identifier or code
inline constexpr std::size_t kMaxNoteBytes = 1024;        // free text
inline constexpr std::size_t kMaxListEntries = 100;       // containers, bins, external ids

}  // namespace tillwire
