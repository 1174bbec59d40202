#include "core/text.h"

#include <charconv>
#include <system_error>

namespace tillwire {

bool IsUtf8(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    // The length that the lead byte announces, and the least code point for which that length is right.
    std::size_t length = 0;
    char32_t least = 0;
    char32_t point = 0;
    if ((lead & 0xE0U) == 0xC0U) {
      length = 2, least = 0x80, point = lead & 0x1FU;
    } else if ((lead & 0xF0U) == 0xE0U) {
      length = 3, least = 0x800, point = lead & 0x0FU;
    } else if ((lead & 0xF8U) == 0xF0U) {
      length = 4, least = 0x10000, point = lead & 0x07U;
    } else {
      return false;
    }
    if (bytes.size() - i < length) return false;
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(bytes[i + k]);
      if ((next & 0xC0U) != 0x80U) return false;
      point = (point << 6U) | (next & 0x3FU);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < least || surrogate || point > 0x10FFFF) return false;
    i += length;
  }
  return true;
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    const std::string_view letter = text.substr(i, size);
    // U+0080 to U+009F are control characters too.
    const bool control = size == 1 ? first < 0x20 || first == 0x7F
                                   : first == 0xC2 && static_cast<unsigned char>(letter.back()) < 0xA0;
    const bool valid = letter.size() == size && IsUtf8(letter);
    out += control || !valid ? "?" : letter;
    i += valid ? size : 1;
  }
  return out;
}

std::string Excerpt(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kCut = "...";
  if (text.size() <= max_bytes) return Printable(text);
  std::size_t end = max_bytes - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return Printable(text.substr(0, end)) + std::string(kCut);
}

std::optional<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace tillwire
