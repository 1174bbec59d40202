// The real programs on a small file system that others fill up, to the last byte, and that turns read-only:
// captures are refused by stages, what was captured arrives all the same, and captures go on by themselves
// when there is room.
#include <catch2/catch.hpp>
#include <iostream>
#include <set>

#include "tests/e2e/requests.h"
#include "tests/e2e/small_disk.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMiB = 1 << 20;

class TillOnSmallDisk : public StoreRig {
 public:
  // False where no file system can be mounted.
  bool Prepare() {
    disk = SmallDisk::Mount(64);
    if (!disk) {
      std::cout << "full_disk_test: NOT RUN: no small file system can be mounted; run it as root\n";
      return false;
    }
    agent.Settings().outbox_directory = disk->Path() / "outbox";
    agent.Settings().outbox_lines = {"reserve_bytes = \"1MiB\""};
    StartCentre();
    link.Cut();
    return true;
  }

  Result<CaptureReply> Cancel() {
    auto reply = agent.Client().Capture(Cancellation("W-" + std::to_string(++orders), 3));
    if (reply) acknowledged.insert(reply->event_id);
    return reply;
  }

  Result<CaptureReply> ClearBin() {
    v1::CaptureEventRequest request = ClearAfter(*acknowledged.begin(), "B-" + std::to_string(++orders));
    auto reply = agent.Client().Capture(request);
    if (reply) acknowledged.insert(reply->event_id);
    return reply;
  }

  bool WaitForStage(v1::CaptureStage stage) {
    return agent.WaitForStatus(
        30s, [stage](const auto& status) { return status.outbox().capture_stage() == stage; });
  }

  // Everything that was acknowledged has arrived, once.
  void RequireAllArrived() {
    REQUIRE(agent.WaitUntilDrained(120s));
    const auto arrived = EventIds(centre.Ledger());
    CHECK(arrived.size() == acknowledged.size());
    CHECK(std::set<std::string>(arrived.begin(), arrived.end()) == acknowledged);
  }

  std::unique_ptr<SmallDisk> disk;
  int orders = 0;
  std::set<std::string> acknowledged;
};

TEST_CASE_METHOD(TillOnSmallDisk, "A disk that others fill up stops captures by stages, and nothing else") {
  if (!Prepare()) return;
  agent.Start();
  CHECK(agent.Status().outbox().capture_stage() == v1::CAPTURE_STAGE_OPEN);
  for (int i = 0; i < 50; ++i) REQUIRE(Cancel().ok());
  REQUIRE(ClearBin().ok());

  disk->LeaveFree(3 * kMiB);
  REQUIRE(WaitForStage(v1::CAPTURE_STAGE_PRUNING_EARLY));
  REQUIRE(ClearBin().ok());
  disk->LeaveFree(kMiB);
  REQUIRE(WaitForStage(v1::CAPTURE_STAGE_BIN_CLEARS_REFUSED));
  const auto clear = ClearBin();
  REQUIRE_FALSE(clear.ok());
  CHECK(clear.error().code == ErrorCode::kResourceExhausted);
  CHECK_THAT(clear.error().Text(), Catch::Contains("not recorded") &&
                                       Catch::Contains("bin clears are refused") &&
                                       Catch::Contains("free space"));
  REQUIRE(Cancel().ok());

  disk->LeaveFree(0);
  CHECK(disk->FreeBytes() == 0);
  int last_ones = 0;
  while (last_ones < 5000 && Cancel().ok()) ++last_ones;
  CHECK(last_ones < 5000);
  const auto cancel = Cancel();
  REQUIRE_FALSE(cancel.ok());
  CHECK(cancel.error().code == ErrorCode::kResourceExhausted);
  CHECK_THAT(cancel.error().Text(), Catch::Contains("not recorded"));
  const CommandOutcome human = agent.RunCli({"status"});
  CHECK_THAT(human.output,
             Catch::Contains("captures    the disk of the outbox has room for no more captures") &&
                 Catch::Contains("free space on that file system"));
  CHECK_THAT(agent.RunCli({"status", "--json"}).output, Catch::Contains("CAPTURE_STAGE_ALL_REFUSED"));
  CHECK_THAT(agent.RunCli({"explain", *acknowledged.begin()}).output, Catch::Contains("no more captures"));
  CHECK(agent
            .RunCli({"cancel", "--operator-id", "117", "--order-id", "W-last", "--scope", "whole-order",
                     "--initiator", "customer", "--reason", "customer-request", "--release-policy", "none",
                     "--no-spool"})
            .status.code == 3);
  CHECK_THAT(agent.Log(), Catch::Contains("stage=CAPTURES_REFUSED"));

  // Stopped and started, killed and started, at zero bytes free.
  const auto pending = agent.Status().outbox().pending();
  CHECK(pending == acknowledged.size());
  CHECK(agent.Stop().Clean());
  agent.Start();
  CHECK(agent.Status().outbox().pending() == pending);
  agent.Kill();
  agent.Start();
  CHECK(agent.Status().outbox().capture_stage() == v1::CAPTURE_STAGE_ALL_REFUSED);
  CHECK_FALSE(Cancel().ok());

  link.Heal();
  RequireAllArrived();
  CHECK(agent.Status().outbox().delivered() == acknowledged.size());
  CHECK(disk->FreeBytes() == 0);

  disk->Clear();
  REQUIRE(WaitForStage(v1::CAPTURE_STAGE_OPEN));
  REQUIRE(Cancel().ok());
  REQUIRE(ClearBin().ok());
  RequireAllArrived();
  CHECK(agent.Status().outbox().lost() == 0);
  std::cout << "full disk (" << disk->Kind() << "): " << last_ones
            << " cancellations taken after the last byte was gone, " << acknowledged.size()
            << " events acknowledged, all arrived\n";
}

TEST_CASE_METHOD(TillOnSmallDisk,
                 "On a read-only disk the agent starts, sends what it has, and captures again when it can") {
  if (!Prepare()) return;
  agent.Start();
  for (int i = 0; i < 20; ++i) REQUIRE(Cancel().ok());
  const bool clean = GENERATE(true, false);
  if (clean) {
    agent.Stop();
  } else {
    agent.Kill();
  }
  disk->SetReadOnly(true);
  agent.Start();
  const auto status = agent.Status();
  CHECK(status.outbox().capture_stage() == v1::CAPTURE_STAGE_NOT_WRITABLE);
  CHECK_THAT(status.outbox().capture_problem(), Catch::Contains(disk->Path().string()));
  CHECK_THAT(status.outbox().capture_remedy(), Catch::Contains("read-only") && Catch::Contains("remount"));
  const auto refused = Cancel();
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().Text(),
             Catch::Contains("not recorded") && Catch::Contains("Read-only file system"));
  link.Heal();
  RequireAllArrived();

  disk->SetReadOnly(false);
  REQUIRE(WaitUntil(100s, [this] { return Cancel().ok(); }));
  CHECK(agent.Status().outbox().capture_stage() == v1::CAPTURE_STAGE_OPEN);
  RequireAllArrived();
  CHECK(agent.Status().outbox().delivered() == acknowledged.size());
}

}  // namespace
}  // namespace tillwire
