// Lines for a terminal: text in pieces, each with what it means rather than a colour.
#pragma once

#include <string>
#include <vector>

namespace tillwire {

enum class Style { kPlain, kStrong, kQuiet, kGood, kWarning, kBad };

struct Span {
  std::string text;
  Style style = Style::kPlain;
};

using StyledLine = std::vector<Span>;

// The line in at most so many columns, with the escape sequences of its colours (ECMA-48) if wanted. What is
// said by colour is always said by a word too.
std::string ToTerminal(const StyledLine& line, std::size_t columns, bool colours);

}  // namespace tillwire
