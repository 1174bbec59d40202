// Times and text as people read them on a terminal; core/figures.h has more.
#pragma once

#include <string>
#include <vector>

#include "core/clock.h"
#include "core/figures.h"

namespace tillwire {

// "14:02:11" if it is the same local day as `now`, else "2026-05-04 14:02:11".
std::string TimeInWords(WallTime time, WallTime now);

// How many columns a printable text takes; East Asian wide letters count as one.
std::size_t Columns(const std::string& text);
// The text in at most so many columns, with ".." at its end where it is cut.
std::string Cut(const std::string& text, std::size_t columns);
// The same, padded with spaces to exactly so many.
std::string Padded(const std::string& text, std::size_t columns);
// The text in lines of at most so many columns, broken at spaces.
std::vector<std::string> Wrapped(const std::string& text, std::size_t columns);

}  // namespace tillwire
