#include "agent/uplink/backoff.h"

#include <catch2/catch.hpp>
#include <limits>

namespace tillwire {
namespace {

using std::chrono::milliseconds;

// Always the same bits.
class ConstantRng final : public Rng {
 public:
  explicit ConstantRng(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t Next() override { return bits_; }

 private:
  std::uint64_t bits_;
};

TEST_CASE("the ceiling of the delay doubles up to the cap, and the delay is uniform below it") {
  Backoff backoff(milliseconds(1000), milliseconds(120'000));
  for (const std::int64_t ceiling : {1000, 2000, 4000, 8000, 16000, 32000, 64000, 120000, 120000}) {
    ConstantRng highest(static_cast<std::uint64_t>(ceiling));  // ceiling modulo ceiling + 1
    CHECK(backoff.Next(highest) == milliseconds(ceiling));
  }
  backoff.Reset();
  ConstantRng lowest(0);
  CHECK(backoff.Next(lowest) == milliseconds(0));
  backoff.JumpToCap();
  ConstantRng highest(120'000);
  CHECK(backoff.Next(highest) == milliseconds(120'000));
}

}  // namespace
}  // namespace tillwire
