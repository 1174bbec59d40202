// Epochs and sequences as people and programs write them.
#pragma once

#include <cstdint>
#include <string>

namespace tillwire {

// 16 hexadecimal digits: "88a2d917967948ff". An epoch is a random 64-bit number, too big for JSON's numbers
// and alike at a glance in decimal.
std::string EpochName(std::uint64_t epoch);

// "sequence 5", "sequences 5 to 7".
std::string SequencesText(std::uint64_t first, std::uint64_t last);

}  // namespace tillwire
