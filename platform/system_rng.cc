#include "platform/system_rng.h"

#include <sys/random.h>

#include <stdexcept>

namespace tillwire {

std::uint64_t SystemRng::Next() {
  std::uint64_t bits = 0;
  // Up to 256 bytes are given whole once the kernel's pool is initialized (getrandom(2)).
  if (getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) {
    throw std::runtime_error("the kernel gave no random bytes (getrandom)");
  }
  return bits;
}

}  // namespace tillwire
