// Text from outside, made fit to be shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tillwire {

// Whether the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF).
bool IsUtf8(std::string_view bytes);

// The text with "?" for each control character, which would move a terminal's cursor or begin a line of its
// own in a log, and for bytes that are no UTF-8.
std::string Printable(std::string_view text);

// Printable, and with "..." at its end where it is cut to at most so many bytes: for an error that quotes
// what somebody sent. An answer over gRPC carries a few kilobytes of it.
inline constexpr std::size_t kExcerptBytes = 120;
std::string Excerpt(std::string_view text, std::size_t max_bytes = kExcerptBytes);

// A number in decimal digits and nothing else; nothing where the text is none, or does not fit.
std::optional<std::uint64_t> ParseCount(std::string_view text);

}  // namespace tillwire
