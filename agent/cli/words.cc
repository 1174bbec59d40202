#include "agent/cli/words.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace tillwire {
namespace {

std::tm LocalTime(WallTime time) {
  const time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

}  // namespace

std::string TimeInWords(WallTime time, WallTime now) {
  const std::tm local = LocalTime(time);
  const std::tm today = LocalTime(now);
  const bool same_day = local.tm_year == today.tm_year && local.tm_yday == today.tm_yday;
  std::array<char, 64> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
  return {text.data(), length};
}

std::size_t Columns(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::string Cut(const std::string& text, std::size_t columns) {
  if (Columns(text) <= columns) return text;
  const std::string mark = columns >= 2 ? ".." : std::string(columns, '.');
  std::size_t end = 0;
  for (std::size_t left = columns - mark.size() + 1; end < text.size(); ++end) {
    if ((text[end] & 0xC0) == 0x80) continue;
    if (--left == 0) break;
  }
  return text.substr(0, end) + mark;
}

std::string Padded(const std::string& text, std::size_t columns) {
  const std::string cut = Cut(text, columns);
  return cut + std::string(columns - Columns(cut), ' ');
}

std::vector<std::string> Wrapped(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!lines.empty() && Columns(lines.back()) + 1 + Columns(word) <= columns) {
      lines.back() += " " + word;
    } else {
      lines.push_back(Cut(word, columns));
    }
  }
  return lines;
}

}  // namespace tillwire
