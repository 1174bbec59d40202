#include "core/uuid.h"

#include <algorithm>
#include <cstring>

namespace tillwire {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::array<std::size_t, 4> kDashes = {8, 13, 18, 23};
constexpr std::uint16_t kCounterMax = 0x0fff;

bool IsDash(std::size_t index) {
  return std::find(kDashes.begin(), kDashes.end(), index) != kDashes.end();
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::int64_t MillisOf(WallTime time) {
  return std::max<std::int64_t>(
      0, std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count());
}

void PutStamp(Uuid& uuid, std::int64_t millis) {
  for (std::size_t i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
}

}  // namespace

std::string Uuid::ToString() const {
  std::string text;
  text.reserve(36);
  for (const std::uint8_t byte : bytes) {
    if (IsDash(text.size())) text.push_back('-');
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 0x0f]);
  }
  return text;
}

std::optional<Uuid> Uuid::Parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsDash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = HexValue(text[i]);
    if (value < 0) return std::nullopt;
    auto& byte = uuid.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>((byte << 4) | value);
    ++nibble;
  }
  return uuid;
}

std::optional<Uuid> Uuid::FromBytes(std::string_view bytes) {
  Uuid uuid;
  if (bytes.size() != uuid.bytes.size()) return std::nullopt;
  std::memcpy(uuid.bytes.data(), bytes.data(), bytes.size());
  return uuid;
}

void Uuid::PutMillis(WallTime time) {
  PutStamp(*this, MillisOf(time));
}

void Uuid::PutVersion(unsigned version) {
  bytes[6] = static_cast<std::uint8_t>((version << 4U) | (bytes[6] & 0x0fU));
  bytes[8] = static_cast<std::uint8_t>(0x80U | (bytes[8] & 0x3fU));
}

std::optional<UuidRange> UuidsThatBegin(std::string_view text) {
  constexpr std::string_view kLowest = "00000000-0000-0000-0000-000000000000";
  constexpr std::string_view kHighest = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  constexpr std::size_t kLeast = 8;
  if (text.size() < kLeast || text.size() > kLowest.size()) return std::nullopt;
  const auto first = Uuid::Parse(std::string(text) + std::string(kLowest.substr(text.size())));
  const auto last = Uuid::Parse(std::string(text) + std::string(kHighest.substr(text.size())));
  if (!first || !last) return std::nullopt;
  return UuidRange{*first, *last};
}

Uuid UuidGenerator::Make(WallTime now) {
  const std::int64_t millis = MillisOf(now);
  const std::uint64_t random = rng_.Next();
  std::int64_t stamp = 0;
  std::uint16_t counter = 0;
  {
    const std::lock_guard lock(mutex_);
    if (millis > last_millis_) {
      last_millis_ = millis;
      counter_ = 0;
    } else if (counter_ == kCounterMax) {
      ++last_millis_;
      counter_ = 0;
    } else {
      ++counter_;
    }
    stamp = last_millis_;
    counter = counter_;
  }
  Uuid uuid;
  PutStamp(uuid, stamp);
  uuid.bytes[6] = static_cast<std::uint8_t>(counter >> 8);
  uuid.bytes[7] = static_cast<std::uint8_t>(counter & 0xff);
  for (std::size_t i = 0; i < 8; ++i) uuid.bytes[8 + i] = static_cast<std::uint8_t>(random >> (8 * i));
  uuid.PutVersion(7);
  return uuid;
}

}  // namespace tillwire
