// Event ids: UUID version 7 (RFC 9562, section 5.7).
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
  // Whether it is what UuidGenerator makes: version 7, with the variant of RFC 9562.
  [[nodiscard]] bool IsVersion7() const { return bytes[6] >> 4U == 7 && bytes[8] >> 6U == 2; }
  [[nodiscard]] std::string_view AsBytes() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

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
