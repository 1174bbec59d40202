// A million pending events: ready at once, light in memory, and silent when there is nothing to do.
#include <catch2/catch.hpp>
#include <iostream>
#include <thread>

#include "tests/e2e/full_outbox.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/process_usage.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPending = 1'000'000;
constexpr std::uint64_t kMaxPendingKib = 40 * 1024;
constexpr std::uint64_t kMaxIdleKib = 20 * 1024;

void Print(const char* when, const ProcessUsage& usage) {
  std::cout << when << ": RssAnon " << usage.anonymous_kib << " KiB, VmRSS " << usage.resident_kib
            << " KiB, CPU " << usage.cpu.count() << " ms\n";
}

TEST_CASE_METHOD(StoreRig, "A million pending events") {
  FillOutbox(agent, {1, kPending});

  const auto begin = std::chrono::steady_clock::now();
  agent.Start();
  const auto ready =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  CHECK(agent.Status().outbox().pending() == kPending);
  const ProcessUsage at_start = ReadProcessUsage(agent.Pid());
  std::cout << "ready after " << ready.count() << " ms\n";
  Print("with a million pending", at_start);
  CHECK(ready <= 1s);
  CHECK(at_start.anonymous_kib <= kMaxPendingKib);

  StartCentre();
  const auto drain_begin = std::chrono::steady_clock::now();
  std::uint64_t highest_kib = 0;
  REQUIRE(agent.WaitForStatus(15min, [&](const auto& status) {
    highest_kib = std::max(highest_kib, ReadProcessUsage(agent.Pid()).anonymous_kib);
    return status.outbox().pending() == 0;
  }));
  std::cout << "drained in "
            << std::chrono::duration<double>(std::chrono::steady_clock::now() - drain_begin).count()
            << " s, RssAnon at most " << highest_kib << " KiB\n";
  CHECK(highest_kib <= kMaxPendingKib);
  CHECK(centre.Counts().accepted == kPending);

  const ProcessUsage idle_begin = ReadProcessUsage(agent.Pid());
  std::this_thread::sleep_for(60s);  // the measured time itself
  const ProcessUsage idle_end = ReadProcessUsage(agent.Pid());
  Print("after 60 s idle and connected", idle_end);
  std::cout << "CPU in those 60 s: " << (idle_end.cpu - idle_begin.cpu).count() << " ms\n";
  CHECK(idle_end.anonymous_kib <= kMaxIdleKib);
  CHECK(idle_end.cpu - idle_begin.cpu <= 50ms);
  CHECK(agent.Status().connection().state() == v1::CONNECTION_STATE_CONNECTED);
}

}  // namespace
}  // namespace tillwire
