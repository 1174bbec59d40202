// Minutes of bad weather: the line fails in one way after the other while the store works on.
#include <catch2/catch.hpp>
#include <iostream>
#include <random>
#include <thread>

#include "tests/net/network_rig.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using Direction = PacketRelay::Direction;

constexpr auto kLength = 4min;
constexpr std::size_t kCapturesPerChange = 40;

// What comes next, as the dice say; the cable is in place again before.
void Change(NetworkRig& rig, std::mt19937_64& dice) {
  const auto below = [&dice](std::uint64_t limit) { return dice() % limit; };
  rig.Provider().Ip("link set till1 up\n");
  rig.Line().SetBoth({});
  switch (below(7)) {
    case 0:
      return;
    case 1:
      return rig.Line().SetBoth({.loss = 0.1 + 0.1 * static_cast<double>(below(4))});
    case 2:
      return rig.Line().SetBoth({.delay = std::chrono::milliseconds(100 + below(1900))});
    case 3:
      return rig.Line().SetBoth({.loss = 0.05, .delay = 300ms, .bits_per_second = 50'000});
    case 4:
      return rig.Line().SetBoth({.loss = 1});
    case 5:
      return rig.Line().Set(below(2) == 0 ? Direction::kUp : Direction::kDown, {.loss = 1});
    default:
      return rig.Provider().Ip("link set till1 down\n");
  }
}

TEST_CASE("Network: minutes of bad weather") {
  if (!HaveNetwork("bad weather")) return;
  const std::uint64_t seed = std::random_device()();
  std::cout << "net: bad weather: seed " << seed << "\n";
  INFO("seed " << seed);
  std::mt19937_64 dice(seed);
  NetworkRig rig("bad weather");
  rig.Begin();
  const auto end = std::chrono::steady_clock::now() + kLength;
  while (std::chrono::steady_clock::now() < end) {
    Change(rig, dice);
    rig.Capture(kCapturesPerChange);
    rig.AwaitCaptured();
    std::this_thread::sleep_for(std::chrono::seconds(3 + dice() % 20));  // how long that weather lasts
  }
  rig.Heal([&rig] {
    rig.Line().SetBoth({});
    rig.Provider().Ip("link set till1 up\n");
  });
  rig.Capture(1);
  rig.AwaitSending(30s);
  rig.Finish();
}

}  // namespace
}  // namespace tillwire
