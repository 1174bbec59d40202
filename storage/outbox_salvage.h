// Makes a sound outbox of a damaged one: what proves itself is carried over with its identity, and what is
// missing is named by ranges.
//
// An event is carried over where its hash is right under the identity that its position gives it; then
// everything that is ever sent of it is as it was captured. What is known of its delivery is carried over
// where it can be read, and else it is pending: the centre knows better (rule 3 of docs/wire-protocol.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/hash.h"
#include "core/result.h"

namespace tillwire {

// In `meta` of an outbox that was made so, until it is opened: what people are to be told of it.
inline constexpr char kSalvageNote[] = "salvage_note";

struct SalvageTask {
  std::filesystem::path damaged;  // the database; its log stands beside it
  std::string vfs;                // which reads them, and never writes through: an OverlayVfs's
  std::string copy_vfs;           // which writes the copy; empty for the system's
  std::optional<RecordRef> mark;  // the high-water mark
  std::string store_id;           // whose outbox it is
  std::string terminal_id;
  std::string machine_id;
  std::string why;        // what was found to be damaged
  std::string set_aside;  // the name by which the damaged files are kept, for people
  WallTime now;
};

// Writes the sound outbox to `copy`, where nothing stands: a database that is whole without a log. The
// damaged files are not written. kUnavailable: the disk can't be read or written; kResourceExhausted: no
// room.
Result<void> SalvageOutbox(const SalvageTask& task, const std::filesystem::path& copy);

}  // namespace tillwire
