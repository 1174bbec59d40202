#include "core/card_number.h"

#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace tillwire {
namespace {

constexpr std::size_t kMinDigits = 13;
constexpr std::size_t kMaxDigits = 19;
// Cards are printed in groups of three digits or more; dates and amounts are not.
constexpr std::size_t kMinGroup = 3;

bool IsDigit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool PassesLuhn(std::string_view digits) {
  int sum = 0;
  bool doubled = false;
  for (std::size_t i = digits.size(); i-- > 0;) {
    int digit = digits[i] - '0';
    if (doubled) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
    doubled = !doubled;
  }
  return sum % 10 == 0;
}

// How many digits stand in a row from there on.
std::size_t GroupSize(std::string_view text, std::size_t start) {
  std::size_t end = start;
  while (end < text.size() && IsDigit(text[end])) ++end;
  return end - start;
}

// Whether the number goes on behind this separator. Points, slashes and underscores also divide dates, times
// and amounts, so they count between groups like a card's only.
bool Joins(char separator, std::size_t group_before, std::size_t group_behind) {
  if (group_behind == 0) return false;
  if (separator == ' ' || separator == '-') return true;
  const bool like_a_card = group_before >= kMinGroup && group_behind >= kMinGroup;
  return (separator == '.' || separator == '/' || separator == '_') && like_a_card;
}

// Whether a number of a card's length begins at `start`, where a group of digits begins, and ends with a
// group.
bool CardNumberAt(std::string_view text, std::size_t start) {
  std::string digits;
  while (true) {
    const std::size_t group = GroupSize(text, start);
    digits += text.substr(start, group);
    if (digits.size() > kMaxDigits) return false;
    if (digits.size() >= kMinDigits && PassesLuhn(digits)) return true;
    const std::size_t end = start + group;
    if (end >= text.size() || !Joins(text[end], group, GroupSize(text, end + 1))) return false;
    start = end + 1;
  }
}

// Other ways of writing a digit, a space or a dash in UTF-8, as the ASCII letter.
std::string Simplified(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 6> kAlike = {{{"\xC2\xA0", ' '},
                                                                        {"\xE3\x80\x80", ' '},
                                                                        {"\xE2\x80\x91", '-'},
                                                                        {"\xE2\x80\x93", '-'},
                                                                        {"\xE2\x88\x92", '-'},
                                                                        {"\xEF\xBC\x8D", '-'}}};
  constexpr std::string_view kFullWidthDigit = "\xEF\xBC";  // followed by 0x90 to 0x99
  std::string out;
  while (!text.empty()) {
    std::size_t used = 1;
    char letter = text.front();
    if (text.size() > 2 && text.starts_with(kFullWidthDigit)) {
      const auto last = static_cast<unsigned char>(text[2]);
      if (last >= 0x90 && last <= 0x99) {
        letter = static_cast<char>('0' + (last - 0x90));
        used = 3;
      }
    }
    for (const auto& [written, plain] : kAlike) {
      if (!text.starts_with(written)) continue;
      letter = plain;
      used = written.size();
    }
    out += letter;
    text.remove_prefix(used);
  }
  return out;
}

}  // namespace

bool HoldsCardNumber(std::string_view text) {
  const std::string plain = Simplified(text);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const bool group_begins = IsDigit(plain[i]) && (i == 0 || !IsDigit(plain[i - 1]));
    if (group_begins && CardNumberAt(plain, i)) return true;
  }
  return false;
}

}  // namespace tillwire
