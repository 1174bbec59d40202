#include "platform/log_format.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace tillwire {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// "2026-11-25T08:30:00.123456Z".
std::string Rfc3339(WallTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t whole = second.time_since_epoch().count();
  tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 64> text{};
  const std::size_t length = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const auto fraction = static_cast<long>((time - second).count());
  std::snprintf(text.data() + length, text.size() - length, ".%06ldZ", fraction);
  return text.data();
}

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool IsKeyByte(char c) {
  return IsLower(c) || c == '_' || (c >= '0' && c <= '9');
}

// How long the key of a pair is that begins at `at`; nothing where none does.
std::optional<std::size_t> KeyAt(std::string_view text, std::size_t at) {
  if (at >= text.size() || !IsLower(text[at])) return std::nullopt;
  std::size_t end = at;
  while (end < text.size() && IsKeyByte(text[end])) ++end;
  if (end == text.size() || text[end] != '=') return std::nullopt;
  return end - at;
}

// Where the next pair begins, at or after `from`, which itself follows a space or begins the text.
std::size_t NextPair(std::string_view text, std::size_t from) {
  while (from < text.size() && !KeyAt(text, from)) {
    const auto space = text.find(' ', from);
    if (space == std::string_view::npos) return text.size();
    from = space + 1;
  }
  return std::min(from, text.size());
}

// A quote inside a quoted value is not escaped: the one that ends it stands before the next pair, or last.
std::size_t ClosingQuote(std::string_view text, std::size_t from) {
  for (auto quote = text.find('"', from); quote != std::string_view::npos;
       quote = text.find('"', quote + 1)) {
    if (quote + 1 == text.size() || (text[quote + 1] == ' ' && KeyAt(text, quote + 2))) return quote;
  }
  return std::string_view::npos;
}

std::string_view TrimEnd(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

struct LogText {
  std::string_view part;
  std::string_view message;
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
};

LogText Parse(std::string_view text) {
  LogText parsed;
  const auto colon = text.find(": ");
  if (colon != std::string_view::npos && colon > 0 &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == colon) {
    parsed.part = text.substr(0, colon);
    text.remove_prefix(colon + 2);
  }
  std::size_t at = NextPair(text, 0);
  parsed.message = TrimEnd(text.substr(0, at));
  while (at < text.size()) {
    const std::size_t key_length = KeyAt(text, at).value();
    const std::string_view key = text.substr(at, key_length);
    std::size_t value = at + key_length + 1;
    std::size_t end = std::string_view::npos;
    if (value < text.size() && text[value] == '"') end = ClosingQuote(text, value + 1);
    if (end != std::string_view::npos) {
      ++value;
      at = NextPair(text, std::min(end + 2, text.size()));
    } else {
      const auto space = text.find(' ', value);
      at = space == std::string_view::npos ? text.size() : NextPair(text, space + 1);
      end = value + TrimEnd(text.substr(value, at - value)).size();
    }
    parsed.pairs.emplace_back(key, text.substr(value, end - value));
  }
  return parsed;
}

}  // namespace

std::string PlainLogText(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      plain += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      plain += "\\x";
      plain += kHexDigits[byte >> 4U];
      plain += kHexDigits[byte & 0xFU];
    } else {
      plain += c;
    }
  }
  return plain;
}

std::string JsonLogText(WallTime time, std::string_view level, std::string_view text) {
  const LogText parsed = Parse(text);
  nlohmann::ordered_json line;
  line["time"] = Rfc3339(time);
  line["level"] = level;
  line["part"] = parsed.part;
  line["message"] = parsed.message;
  for (const auto& [key, value] : parsed.pairs) {
    std::string name(key);
    for (int again = 2; line.contains(name); ++again) name = std::string(key) + "_" + std::to_string(again);
    line[name] = value;
  }
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace tillwire
