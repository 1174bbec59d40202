// The guarantee, checked from outside: what a driver was told is on disk, against what the centre has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/hash.h"
#include "tests/support/ledger_entry.h"

namespace tillwire {

// One capture that was acknowledged to the driver.
struct AcknowledgedCapture {
  std::string event_id;
  std::string idempotency_key;
  std::string lane;  // by the driver's own reckoning: captures of one lane were made one after the other
  Hash request_digest;
};

struct GuaranteeReport {
  std::uint64_t acknowledged = 0;
  std::uint64_t at_centre = 0;     // events in effect
  std::uint64_t lost = 0;          // acknowledged, but not at the centre
  std::uint64_t altered = 0;       // there with other content than was captured
  std::uint64_t doubled = 0;       // in effect more than once, by event id or by idempotency key
  std::uint64_t unexpected = 0;    // there without having been acknowledged
  std::uint64_t out_of_order = 0;  // before an event that was captured earlier in its lane
  std::uint64_t broken_links = 0;  // records whose hash, or whose link to the record before, fails
  std::uint64_t holes = 0;         // sequences below an epoch's highest that are neither in effect nor closed
  std::vector<std::string> findings;  // the first of each kind, in words

  // A line for each.
  [[nodiscard]] std::string Findings() const;
  [[nodiscard]] bool Holds() const {
    return lost == 0 && altered == 0 && doubled == 0 && out_of_order == 0 && broken_links == 0;
  }
};

// `log` in the order of the acknowledgements; `ledger` in the order of commit. One terminal.
GuaranteeReport CheckGuarantee(const std::vector<AcknowledgedCapture>& log,
                               const std::vector<LedgerEntry>& ledger);

}  // namespace tillwire
