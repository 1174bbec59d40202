// A terminal's history as its outbox would make it: records with their links, to be sent in any order.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/lane.h"
#include "core/record.h"
#include "core/uuid.h"
#include "core/write_back.h"
#include "ingest/ledger/ledger.h"
#include "proto/event_codec.h"
#include "tests/fakes/fake_rng.h"

namespace tillwire {

inline const StreamIdentity kTerminal{"S01", "T1"};
inline const WallTime kNow = FromMicros(1'780'000'000'000'000);

// A cancellation of `lines` lines of an order.
inline Event MakeEvent(const Uuid& event_id, const std::string& order, std::size_t lines = 1,
                       const StreamIdentity& identity = kTerminal) {
  OrderCancellation cancellation;
  cancellation.order_id = order;
  cancellation.scope = CancellationScope::kLines;
  for (std::size_t i = 0; i < lines; ++i) {
    CancelledLine line;
    line.sku = "SKU" + std::to_string(i);
    line.quantity = 1;
    cancellation.lines.push_back(line);
  }
  Event event;
  event.event_id = event_id.ToString();
  event.store_id = identity.store_id;
  event.terminal_id = identity.terminal_id;
  event.captured.wall = kNow;
  event.request.body = std::move(cancellation);
  return event;
}

// One epoch of an outbox. Copying it is cloning the outbox: both copies go on from the same head.
class Chain {
 public:
  explicit Chain(std::uint64_t epoch, StreamIdentity identity = kTerminal)
      : epoch_(epoch),
        identity_(std::move(identity)),
        head_(GenesisHash(identity_.store_id, identity_.terminal_id, epoch, Hash{})) {}

  // Captures a cancellation of `order`.
  const Record& Capture(const std::string& order, std::size_t lines = 1) {
    const Uuid id = NextEventId();
    return Add("order:" + order, EncodeEvent(MakeEvent(id, order, lines, identity_)), std::nullopt);
  }
  void CaptureMany(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) Capture("A" + std::to_string(records_.size() + 1));
  }
  // Any bytes.
  const Record& CaptureBytes(const std::string& lane, std::string event) {
    return Add(lane, std::move(event), std::nullopt);
  }
  // Captures anew what a fork moved out of another epoch.
  const Record& Recapture(const Record& moved) {
    const RecordRef first = moved.origin ? *moved.origin : RecordRef{moved.id, moved.hash};
    return Add(moved.lane, moved.event, first);
  }
  // Goes on a lane of another epoch.
  void ContinueLane(const Record& predecessor) {
    lanes_[predecessor.lane] = {predecessor.id, predecessor.hash};
  }

  [[nodiscard]] const Record& At(std::uint64_t sequence) const { return records_.at(sequence - 1); }
  // The records first to last as a batch.
  [[nodiscard]] EventBatch Batch(std::uint64_t first, std::uint64_t last) const {
    EventBatch batch{1, epoch_, {}};
    for (std::uint64_t sequence = first; sequence <= last; ++sequence) batch.records.push_back(At(sequence));
    return batch;
  }
  // A tombstone for first to last with both hashes.
  [[nodiscard]] Tombstone Tomb(std::uint64_t first, std::uint64_t last) const {
    return {epoch_, first, last, TombstoneKind::kLost, At(last).hash, At(first).previous_hash, "test"};
  }
  [[nodiscard]] std::uint64_t EpochNumber() const { return epoch_; }
  [[nodiscard]] std::uint64_t Last() const { return records_.size(); }

 private:
  // Each id differs, also between copies of a chain.
  static Uuid NextEventId() {
    static FakeRng rng;
    static UuidGenerator generator(rng);
    return generator.Make(kNow);
  }

  const Record& Add(const std::string& lane, std::string event, std::optional<RecordRef> origin) {
    Record record;
    record.id = {epoch_, records_.size() + 1};
    record.lane = lane;
    if (const auto predecessor = lanes_.find(lane); predecessor != lanes_.end()) {
      record.lane_predecessor = predecessor->second;
    }
    record.previous_hash = head_;
    record.event = std::move(event);
    record.origin = origin;
    record.hash =
        RecordHash(record.id, record.lane, record.lane_predecessor, record.previous_hash, record.event);
    head_ = record.hash;
    lanes_[lane] = {record.id, record.hash};
    records_.push_back(std::move(record));
    return records_.back();
  }

  const std::uint64_t epoch_;
  const StreamIdentity identity_;
  Hash head_;
  std::map<std::string, RecordRef> lanes_;
  std::vector<Record> records_;
};

}  // namespace tillwire
