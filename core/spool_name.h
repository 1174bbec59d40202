// The names of spool files: "<counter>-<key>". Files are taken in the byte order of their names, so a counter
// has leading zeros. docs/spool-format.md is for those who write such files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tillwire {

inline constexpr std::size_t kSpoolCounterDigits = 20;
// A counter is microseconds since 1970, so one from here on (the year 5138) was never given by a clock. It
// sorts behind all others, and no further counter is derived from it.
inline constexpr std::uint64_t kMaxSpoolCounter = 100'000'000'000'000'000;

// What a key can't contribute to a name becomes "_", and what is too long is cut: the payload has the key.
std::string MakeSpoolName(std::uint64_t counter, std::string_view key);

// What MakeSpoolName() makes of a key: a name's end by which files of one key can be looked for.
std::string SpoolNameEnd(std::string_view key);

// The idempotency key of a file whose payload has none: what follows the counter and "-", without an ending
// ".json". Nothing where the name has no counter or no key: a part of some other name may well be the same in
// names of different actions, of which all but the first would then be taken for repeats.
std::optional<std::string> KeyOfSpoolName(std::string_view name);

// Nothing where the name does not begin with 20 digits and "-", or with a number from kMaxSpoolCounter on.
std::optional<std::uint64_t> CounterOfSpoolName(std::string_view name);

}  // namespace tillwire
