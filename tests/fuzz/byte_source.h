// An input as a source of decisions. At its end come zeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tillwire::fuzz {

class ByteSource {
 public:
  explicit ByteSource(std::string_view input) : rest_(input) {}

  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }

  std::uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  // Of so many bytes, the highest first.
  std::uint64_t Number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8U | Byte();
    return value;
  }

  // Below `bound`, which is from 1 to 256.
  std::size_t Below(std::size_t bound) { return Byte() % bound; }

  bool Flip() { return (Byte() & 1U) != 0; }

  // At most that many bytes, as many as there are.
  std::string_view Bytes(std::size_t count) {
    const auto taken = rest_.substr(0, std::min(count, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view Rest() { return Bytes(rest_.size()); }

  // A 64-bit number: mostly small or at a border, where mistakes are.
  std::uint64_t Borderline() {
    switch (Below(8)) {
      case 0:
        return UINT64_MAX - Byte();
      case 1:
        return (1ULL << 63U) - 1 + Byte();
      case 2:
        return (1ULL << 62U) - 1 + Byte();
      case 3:
        return Number(8);
      case 4:
        return Number(3);
      default:
        return Byte();
    }
  }

 private:
  std::string_view rest_;
};

}  // namespace tillwire::fuzz
