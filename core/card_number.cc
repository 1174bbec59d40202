#include "core/card_number.h"

#include <cstddef>
#include <string>

namespace tillwire {
namespace {

constexpr std::size_t kMinDigits = 13;
constexpr std::size_t kMaxDigits = 19;

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

// Whether a number of a card's length begins at `start`, where a group of digits begins, and ends with a
// group.
bool CardNumberAt(std::string_view text, std::size_t start) {
  std::string digits;
  for (std::size_t i = start; i < text.size() && digits.size() <= kMaxDigits; ++i) {
    if (IsDigit(text[i])) {
      digits += text[i];
      const bool group_ends = i + 1 == text.size() || !IsDigit(text[i + 1]);
      const bool card_length = digits.size() >= kMinDigits && digits.size() <= kMaxDigits;
      if (group_ends && card_length && PassesLuhn(digits)) return true;
      continue;
    }
    const bool separator = text[i] == ' ' || text[i] == '-';
    if (!separator || i + 1 == text.size() || !IsDigit(text[i + 1])) return false;
  }
  return false;
}

}  // namespace

bool HoldsCardNumber(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool group_begins = IsDigit(text[i]) && (i == 0 || !IsDigit(text[i - 1]));
    if (group_begins && CardNumberAt(text, i)) return true;
  }
  return false;
}

}  // namespace tillwire
