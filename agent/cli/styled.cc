#include "agent/cli/styled.h"

#include <algorithm>

#include "agent/cli/words.h"

namespace tillwire {
namespace {

const char* BeginOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kStrong:
      return "\x1B[1m";
    case Style::kQuiet:
      return "\x1B[2m";
    case Style::kGood:
      return "\x1B[32m";
    case Style::kWarning:
      return "\x1B[33m";
    case Style::kBad:
      return "\x1B[1;31m";
  }
  return "";
}

}  // namespace

std::string ToTerminal(const StyledLine& line, std::size_t columns, bool colours) {
  std::string out;
  std::size_t left = columns;
  for (const auto& span : line) {
    if (left == 0) break;
    const std::string text = Cut(span.text, left);
    left -= std::min(left, Columns(text));
    const bool coloured = colours && span.style != Style::kPlain;
    out += coloured ? BeginOf(span.style) + text + "\x1B[0m" : text;
  }
  return out;
}

}  // namespace tillwire
