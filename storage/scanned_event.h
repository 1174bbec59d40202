// What a row that was found on a page is as an event; nothing of it is proved.
#pragma once

#include <cstdint>
#include <optional>

#include "core/hash.h"
#include "storage/epoch_layout.h"
#include "storage/page_scan.h"

namespace tillwire {

// Nothing where it is no hash.
std::optional<Hash> HashOf(const ScannedValue& value);
// Of an integer.
std::uint64_t UnsignedOf(const ScannedValue& value);
// Nothing where the row can't be one of `events`.
std::optional<UnprovedEvent> EventOf(const ScannedRow& row);

}  // namespace tillwire
