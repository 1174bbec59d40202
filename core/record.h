// A captured event with its identity, as it travels from the outbox to the ledger.
#pragma once

#include <optional>
#include <string>

#include "core/hash.h"

namespace tillwire {

struct Record {
  RecordId id;
  std::string lane;
  std::optional<RecordRef> lane_predecessor;  // the lane's record before this one
  Hash previous_hash;  // of the record before this one in the epoch, or the epoch's genesis
  Hash hash;
  std::string event;                // the serialized StoreEvent, byte for byte as captured
  std::optional<RecordRef> origin;  // its first identity, where a fork moved it

  // Whether hash is the hash of the other fields.
  [[nodiscard]] bool HashMatches() const {
    return RecordHash(id, lane, lane_predecessor, previous_hash, event) == hash;
  }
};

}  // namespace tillwire
