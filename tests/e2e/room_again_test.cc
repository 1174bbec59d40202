// An outbox that has reached outbox.max_bytes.
#include <catch2/catch.hpp>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE_METHOD(StoreRig, "A full outbox takes captures again as soon as it has drained") {
  agent.Settings().outbox_lines = {R"(max_bytes = "2MiB")", R"(delivered_max_bytes = "1MiB")"};
  Start();
  link.Cut();
  int stored = 0;
  std::optional<Error> refused;
  while (!refused) {
    const auto reply = agent.Client().Capture(Cancellation("F-" + std::to_string(stored), 50));
    if (reply) {
      ++stored;
    } else {
      refused = reply.error();
    }
  }
  CHECK(refused->code == ErrorCode::kResourceExhausted);
  CHECK_THAT(refused->Text(), Catch::Contains("outbox.max_bytes = 2 MiB") &&
                                  Catch::Contains("restore the connection to the centre"));
  link.Heal();
  REQUIRE(agent.WaitUntilDrained(60s));
  const auto drained = std::chrono::steady_clock::now();
  Result<CaptureReply> reply = *refused;
  // The upkeep of every minute alone would take longer than this.
  CHECK(WaitUntil(30s, [&] {
    reply = agent.Client().Capture(Cancellation("after", 50));
    return reply.ok();
  }));
  const auto took = std::chrono::steady_clock::now() - drained;
  UNSCOPED_INFO(stored << " events filled it; " << std::chrono::duration<double>(took).count()
                       << " s after it had drained there was room");
  CHECK(took < 30s);
  REQUIRE(agent.WaitUntilDrained(60s));
  CHECK(centre.Ledger().size() == static_cast<std::size_t>(stored) + 1);
  CHECK(agent.Status().outbox().delivered() == static_cast<std::uint64_t>(stored) + 1);
}

}  // namespace
}  // namespace tillwire
