// Which epoch holds which positions, as a file says or as its events prove: an event's hash covers its epoch
// and its sequence, so a layout is right where the hashes of its events are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/hash.h"
#include "core/record.h"

namespace tillwire {

// A row of `epochs` (docs/outbox-format.md).
struct EpochRow {
  std::uint32_t ordinal = 0;
  std::uint64_t epoch = 0;
  std::uint64_t base = 0;  // the position of its (absent) sequence 0
  Hash genesis;
  std::optional<std::uint64_t> retained;  // sequences that kept their identity; absent while it is open
  std::uint64_t issued = 0;     // sequences ever given out, moved and lost ones included; valid once closed
  Hash last_hash;               // of the record at `retained`, or genesis; valid once closed
  std::uint64_t backed_up = 0;  // the centre has a backup through this sequence
  std::string why;              // it began
  std::int64_t created_at = 0;  // microseconds since 1970; read by salvage alone
};

// An event as a row of `events` holds it, before it is known of which epoch it is.
struct UnprovedEvent {
  std::uint64_t position = 0;
  std::string lane;
  std::optional<std::uint64_t> predecessor;
  std::optional<Hash> predecessor_hash;
  Hash previous_hash;
  Hash hash;
  std::string event;
};

// The newest of the rows in which events are, or may come to be, as text; without when and why they began.
std::string EncodeEpochs(const std::vector<EpochRow>& rows);
// Rows that can't be read are left out.
std::vector<EpochRow> DecodeEpochs(const std::string& text);

class EpochLayout {
 public:
  // By ordinal; runs as docs/outbox-format.md describes them.
  explicit EpochLayout(std::vector<EpochRow> rows) : rows_(std::move(rows)) {}

  [[nodiscard]] std::vector<EpochRow>& Rows() { return rows_; }
  [[nodiscard]] const std::vector<EpochRow>& Rows() const { return rows_; }
  // Whose run holds the position: the newest that does. Null if none.
  [[nodiscard]] const EpochRow* RowAt(std::uint64_t position) const;
  [[nodiscard]] std::optional<RecordId> IdOf(std::uint64_t position) const;
  // Whether the event is that of its position: its hash is right.
  [[nodiscard]] bool Proves(const UnprovedEvent& event) const;
  // How many of the events prove themselves.
  [[nodiscard]] std::size_t ProvedOf(const std::vector<UnprovedEvent>& events) const;
  // Makes one number of one row another, where that proves more of `events`, which the layout as it is does
  // not prove: the epoch that the high-water mark names, the end of the row before, the beginning of the row
  // after, or the same with one bit turned.
  void Mend(const std::vector<UnprovedEvent>& events, const std::optional<RecordRef>& mark);

 private:
  std::vector<EpochRow> rows_;
};

}  // namespace tillwire
