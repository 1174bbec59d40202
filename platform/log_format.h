// How a line of our logs looks. Call sites write "part: what happened key=value key=\"a text\"", pairs last;
// this turns it into what is written out.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.h"

namespace tillwire {

// The line with its control characters escaped ("\n" as backslash and n): what a value holds can neither
// begin a line of its own nor speak to a terminal.
std::string PlainLogText(std::string_view text);

// One JSON object, without a line's end: time, level, part, message, then each pair of the text as a member
// with its value as a string, without its quotes. A pair's name that is taken gets "_2", "_3". Valid JSON
// whatever bytes the text has: what is not UTF-8 becomes U+FFFD.
std::string JsonLogText(WallTime time, std::string_view level, std::string_view text);

}  // namespace tillwire
