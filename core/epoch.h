// Epochs as people and programs write them.
#pragma once

#include <cstdint>
#include <string>

namespace tillwire {

// 16 hexadecimal digits: "88a2d917967948ff". An epoch is a random 64-bit number, too big for JSON's numbers
// and alike at a glance in decimal.
std::string EpochName(std::uint64_t epoch);

}  // namespace tillwire
