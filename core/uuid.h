// Event ids: UUIDs of version 7, or of version 8 where they are derived (RFC 9562, sections 5.7 and 5.8).
// Both begin with 48 bits of milliseconds since 1970.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/rng.h"

namespace tillwire {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;

  // Canonical lower-case text, 36 characters.
  [[nodiscard]] std::string ToString() const;
  // Accepts the canonical form in either case; nothing else.
  static std::optional<Uuid> Parse(std::string_view text);
  // From exactly 16 bytes.
  static std::optional<Uuid> FromBytes(std::string_view bytes);
  // Whether it is one that an event may have: version 7 or 8, with the variant of RFC 9562.
  [[nodiscard]] bool MayNameEvent() const {
    const unsigned version = bytes[6] >> 4U;
    return (version == 7 || version == 8) && bytes[8] >> 6U == 2;
  }
  // Begins it with the time's milliseconds; with zeros before 1970.
  void PutMillis(WallTime time);
  // And the variant of RFC 9562.
  void PutVersion(unsigned version);
  [[nodiscard]] std::string_view AsBytes() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

// Both ends belong to it.
struct UuidRange {
  Uuid first;
  Uuid last;
};

// The UUIDs whose canonical text begins so, in either case. Nothing if none does, or if it has fewer than 8
// digits.
std::optional<UuidRange> UuidsThatBegin(std::string_view text);

// Makes UUIDv7s that ascend within this generator even when the wall clock steps back, so that an index over
// them is appended to. Uniqueness rests on 62 random bits, never on the clock. Any thread may call it.
class UuidGenerator {
 public:
  explicit UuidGenerator(Rng& rng) : rng_(rng) {}
  Uuid Make(WallTime now);

 private:
  Rng& rng_;
  std::mutex mutex_;
  std::int64_t last_millis_ = 0;
  std::uint16_t counter_ = 0;  // the 12 bits of rand_a (RFC 9562, section 6.2, method 1)
};

}  // namespace tillwire
