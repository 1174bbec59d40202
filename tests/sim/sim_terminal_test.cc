// One simulated till whose disk fails: it lives through that as the agent does, in virtual time.
#include "tests/sim/sim_terminal.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// Without a centre: nothing but captures.
class LonelyTill {
 public:
  void RunFor(SimWorld::Duration time) {
    world.RunUntil(world.Now() + time, [] { return false; });
  }
  [[nodiscard]] bool Taken(std::uint64_t action) const { return oracle.Action(action).acknowledged; }

  SimWorld world{1, false};
  SimNetwork network{world};
  SimOracle oracle;
  SimTerminal till{world, network, oracle, SimBug::kNone, "till-1"};
};

TEST_CASE("A simulated till whose disk can't be written refuses captures, and takes them when it can be") {
  LonelyTill lonely;
  SimTerminal& till = lonely.till;
  till.Start();
  const std::uint64_t before = till.Capture("A", 1);
  lonely.RunFor(1s);
  REQUIRE(lonely.Taken(before));

  SECTION("it is read-only") {
    till.Disk().FailAt(DiskFault::kReadOnly, 1, FaultyDisk::Lasting::kForEver);
  }
  SECTION("its writes fail") {
    till.Disk().FailAt(DiskFault::kWriteError, 1, FaultyDisk::Lasting::kForEver);
  }
  SECTION("its syncs fail") {
    till.Disk().FailAt(DiskFault::kSyncError, 1, FaultyDisk::Lasting::kForEver);
  }
  SECTION("it can't be read either, and has no room") {
    till.Disk().SetCapacity(0);
    till.Disk().FailAt(DiskFault::kReadError, 1, FaultyDisk::Lasting::kForEver);
    till.Disk().FailAt(DiskFault::kNoSpace, 1, FaultyDisk::Lasting::kForEver);
  }
  const std::uint64_t meanwhile = till.Capture("A", 1);
  lonely.RunFor(30s);
  CHECK_FALSE(lonely.Taken(meanwhile));
  CHECK(till.Running());

  till.Disk().Heal();
  till.Disk().SetCapacity(std::nullopt);
  lonely.RunFor(90s);
  CHECK(lonely.Taken(meanwhile));
  CHECK(till.History() == std::vector<std::uint64_t>{before, meanwhile});
  CHECK(till.NamedLost() == 0);
  till.Check();
  CHECK(lonely.oracle.Complaints().empty());
}

TEST_CASE("A simulated till that is killed or loses power answers nobody, and comes back with what it took") {
  const bool of_power = GENERATE(false, true);
  LonelyTill lonely;
  SimTerminal& till = lonely.till;
  till.Start();
  const std::uint64_t before = till.Capture("A", 1);
  lonely.RunFor(1s);
  if (of_power) {
    till.Disk().PowerCutAt(1);
  } else {
    till.Disk().KillProgramAt(1);
  }
  const std::uint64_t meanwhile = till.Capture("A", 1);
  lonely.RunFor(50ms);
  CHECK_FALSE(lonely.Taken(meanwhile));
  CHECK_FALSE(till.Running());
  lonely.RunFor(60s);
  CHECK(till.Running());
  CHECK(lonely.Taken(meanwhile));
  CHECK(till.History() == std::vector<std::uint64_t>{before, meanwhile});
}

}  // namespace
}  // namespace tillwire
