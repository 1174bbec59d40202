// The hash chain (docs/wire-protocol.md, "Hashes"): what makes a record's identity checkable.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tillwire {

// A SHA-256 digest.
struct Hash {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Hash&) const = default;

  [[nodiscard]] std::string ToHex() const;
  [[nodiscard]] std::string_view AsBytes() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // From exactly 32 bytes.
  static std::optional<Hash> FromBytes(std::string_view bytes);
};

Hash Sha256(std::string_view bytes);

// A record's place in a terminal's history: a random epoch number, and a count from 1 within it.
struct RecordId {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;

  auto operator<=>(const RecordId&) const = default;
};

// A record's identity together with its hash: "that very record", not merely one of that number.
struct RecordRef {
  RecordId id;
  Hash hash;

  auto operator<=>(const RecordRef&) const = default;
};

// SHA-256 over tag, epoch, sequence, lane, lane predecessor (zeros where absent), previous hash and
// SHA-256(event). Each is preceded by its length as 32 bits, big-endian; integers are 64 bits, big-endian.
Hash RecordHash(RecordId id, std::string_view lane, const std::optional<RecordRef>& lane_predecessor,
                const Hash& previous_hash, std::string_view event);

// The previous hash of an epoch's first record: SHA-256 over tag, store, terminal, epoch and the last hash of
// the epoch before (zeros for the first epoch), encoded as above.
Hash GenesisHash(std::string_view store_id, std::string_view terminal_id, std::uint64_t epoch,
                 const Hash& head_of_previous_epoch);

// What a derived event id is made of: SHA-256 over tag, store, terminal, the caller's key and the time of the
// action in microseconds since 1970 (two's complement before that), encoded as above.
Hash ActionNameHash(std::string_view store_id, std::string_view terminal_id, std::string_view key,
                    std::int64_t occur_time_micros);

}  // namespace tillwire
