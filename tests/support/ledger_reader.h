// Reads the ledger as anybody may: through the running centre.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "tests/support/ledger_entry.h"

namespace tillwire {

struct CentreCounts {
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t parked = 0;
  std::uint64_t tombstoned = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t reappeared = 0;
  std::uint64_t imported = 0;
  std::uint32_t connected_streams = 0;
};

// `address` is host:port.
Result<std::vector<LedgerEntry>> ReadLedger(const std::string& address);
Result<CentreCounts> ReadCentreCounts(const std::string& address);

}  // namespace tillwire
