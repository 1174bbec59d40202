// Randomness as a seam: tests hand in a seeded generator, programs the system's.
#pragma once

#include <cstdint>

namespace tillwire {

// Every implementation may be called from any thread.
class Rng {
 public:
  virtual ~Rng() = default;
  // 64 independent random bits.
  virtual std::uint64_t Next() = 0;
};

}  // namespace tillwire
