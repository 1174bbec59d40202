// The answers to a record or tombstone, with their texts.
#pragma once

#include <cstdint>
#include <string>

#include "core/write_back.h"

namespace tillwire {

// Without a reason or a text.
RecordResult PlainResult(std::uint64_t sequence, Disposition disposition);
RecordResult ParkedResult(std::uint64_t sequence, ParkReason reason, std::string detail);
RecordResult LaneHeldResult(std::uint64_t sequence);
// "sequence 7 WHAT OURS, not THEIRS"; the hashes are shortened.
RecordResult ConflictResult(std::uint64_t sequence, const std::string& what, const Hash& ours,
                            const Hash& theirs);

}  // namespace tillwire
