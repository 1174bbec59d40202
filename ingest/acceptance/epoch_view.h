// What the ledger knows of one epoch around the sequences of one batch. Records of the batch see each other
// in it; the ranges and hashes that they add are written together at the end, so that a batch in sequence
// touches one range row.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "core/record.h"
#include "ingest/ledger/ledger.h"

namespace tillwire {

class EpochView {
 public:
  // Reads what overlaps or touches each of `spans`.
  EpochView(LedgerTransaction& ledger, EpochRow row, std::span<const Interval> spans);

  [[nodiscard]] EpochRow Row() const { return row_; }

  // What holds this sequence, among what was read and added; null if nothing does.
  [[nodiscard]] const StoredRange* RangeAt(std::uint64_t sequence) const;
  [[nodiscard]] const StoredTombstone* TombstoneAt(std::uint64_t sequence) const;
  [[nodiscard]] const ParkedRecord* ParkedAt(std::uint64_t sequence) const;
  // Whether a later identity of this record was accepted.
  [[nodiscard]] bool IsRecaptured(std::uint64_t sequence, const Hash& hash) const;

  // The hash of a record that this batch added.
  [[nodiscard]] const Hash* AddedHash(std::uint64_t sequence) const;
  // The hash of the record at `sequence` where a neighbour can be held to it: at the end of an accepted range
  // or of a tombstone, or parked.
  [[nodiscard]] std::optional<Hash> LinkHash(std::uint64_t sequence) const;
  // The previous hash that the record at `sequence` names, likewise.
  [[nodiscard]] std::optional<Hash> LinkPreviousHash(std::uint64_t sequence) const;

  // -- Changes. Sequences that are added are neither in a range nor in a tombstone.

  void AddAccepted(std::uint64_t sequence, const Hash& previous_hash, const Hash& hash);
  // Written at once; replaces a parked record of the same sequence.
  void Park(const ParkedRecord& parked, WallTime now);
  // Written at once.
  void Close(const StoredTombstone& tombstone);
  void RemoveParked(std::uint64_t sequence);
  // Writes what AddAccepted() added.
  void WriteBack();

  [[nodiscard]] const std::map<std::uint64_t, StoredRange>& Ranges() const { return ranges_; }
  [[nodiscard]] const std::map<std::uint64_t, StoredTombstone>& Tombstones() const { return tombstones_; }
  [[nodiscard]] const std::map<std::uint64_t, ParkedRecord>& Parked() const { return parked_; }

 private:
  LedgerTransaction& ledger_;
  const EpochRow row_;
  std::map<std::uint64_t, StoredRange> ranges_;  // by their first sequence, as are the tombstones
  std::map<std::uint64_t, StoredTombstone> tombstones_;
  std::map<std::uint64_t, ParkedRecord> parked_;
  std::multimap<std::uint64_t, Hash> recaptured_;
  std::map<std::uint64_t, Hash> added_;
  std::vector<std::uint64_t> changed_ranges_;  // by their first sequence; some may be merged away since
  std::vector<std::uint64_t> merged_ranges_;
};

}  // namespace tillwire
