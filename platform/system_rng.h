// Randomness from the kernel.
#pragma once

#include "core/rng.h"

namespace tillwire {

class SystemRng final : public Rng {
 public:
  std::uint64_t Next() override;
};

}  // namespace tillwire
