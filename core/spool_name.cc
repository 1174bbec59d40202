#include "core/spool_name.h"

#include <algorithm>
#include <charconv>

namespace tillwire {
namespace {

constexpr std::size_t kMaxKeyBytes = 128;  // keeps the whole name below what file systems take
constexpr std::string_view kEnding = ".json";

bool IsPlain(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
         (letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_' || letter == '.';
}

std::string_view WithoutEnding(std::string_view text) {
  if (text.ends_with(kEnding)) text.remove_suffix(kEnding.size());
  return text;
}

}  // namespace

std::string SpoolNameEnd(std::string_view key) {
  std::string end = "-" + std::string(key.substr(0, kMaxKeyBytes));
  std::replace_if(end.begin(), end.end(), [](char letter) { return !IsPlain(letter); }, '_');
  return end + std::string(kEnding);
}

std::string MakeSpoolName(std::uint64_t counter, std::string_view key) {
  const std::string digits = std::to_string(counter);
  return std::string(kSpoolCounterDigits - std::min(kSpoolCounterDigits, digits.size()), '0') + digits +
         SpoolNameEnd(key);
}

std::optional<std::string> KeyOfSpoolName(std::string_view name) {
  if (!CounterOfSpoolName(name)) return std::nullopt;
  const auto key = WithoutEnding(name.substr(kSpoolCounterDigits + 1));
  if (key.empty()) return std::nullopt;
  return std::string(key);
}

std::optional<std::uint64_t> CounterOfSpoolName(std::string_view name) {
  if (name.size() <= kSpoolCounterDigits || name[kSpoolCounterDigits] != '-') return std::nullopt;
  std::uint64_t counter = 0;
  const char* begin = name.data();
  const char* end = begin + kSpoolCounterDigits;
  const auto [rest, error] = std::from_chars(begin, end, counter);
  if (error != std::errc() || rest != end || counter >= kMaxSpoolCounter) return std::nullopt;
  return counter;
}

}  // namespace tillwire
