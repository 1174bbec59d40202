// What the outbox refuses as room runs out, by its own limit and on a disk that fills up; and that delivery
// goes on.
#include "storage/outbox_room.h"

#include <catch2/catch.hpp>
#include <iostream>

#include "tests/fakes/faulty_vfs.h"
#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
const RoomLimits kDefaults{2048 * kMiB, 8 * kMiB};

RoomStage StageAt(std::uint64_t used, std::uint64_t held, std::optional<std::uint64_t> free,
                  RoomStage before = RoomStage::kPlenty) {
  return JudgeRoom({used, held, 8 * kMiB, free}, kDefaults, before).stage;
}

TEST_CASE("the stages follow each other as the outbox nears its limit, and as its disk fills up") {
  CHECK(StageAt(0, 2 * kMiB, {}) == RoomStage::kPlenty);
  CHECK(StageAt(1980 * kMiB, 2 * kMiB, {}) == RoomStage::kPlenty);
  CHECK(StageAt(1990 * kMiB, 2 * kMiB, {}) == RoomStage::kPruningEarly);
  CHECK(StageAt(2035 * kMiB, 2 * kMiB, {}) == RoomStage::kBinClearsRefused);
  CHECK(StageAt(2048 * kMiB, 2 * kMiB, {}) == RoomStage::kCapturesRefused);
  // What the file holds beyond delivery's own 2 MiB counts as free.
  CHECK(StageAt(0, 2 * kMiB, 100 * kMiB) == RoomStage::kPlenty);
  CHECK(StageAt(0, 2 * kMiB, 60 * kMiB) == RoomStage::kPruningEarly);
  CHECK(StageAt(0, 70 * kMiB, 0) == RoomStage::kPlenty);
  CHECK(StageAt(0, 2 * kMiB, 15 * kMiB) == RoomStage::kBinClearsRefused);
  CHECK(StageAt(0, 3 * kMiB, 0) == RoomStage::kBinClearsRefused);
  CHECK(StageAt(0, 2 * kMiB, 0) == RoomStage::kCapturesRefused);
  // The log comes first.
  CHECK(JudgeRoom({0, 2 * kMiB, 0, 8 * kMiB}, kDefaults, RoomStage::kPlenty).stage ==
        RoomStage::kCapturesRefused);
}

TEST_CASE("a stage ends a little later than it began") {
  CHECK(StageAt(0, 2 * kMiB, 17 * kMiB, RoomStage::kBinClearsRefused) == RoomStage::kBinClearsRefused);
  CHECK(StageAt(0, 2 * kMiB, 19 * kMiB, RoomStage::kBinClearsRefused) == RoomStage::kPruningEarly);
}

TEST_CASE("a refusal names the reason and the remedy, of the disk or of the outbox") {
  const auto by_disk = JudgeRoom({0, 2 * kMiB, 8 * kMiB, 15 * kMiB}, kDefaults, RoomStage::kPlenty);
  CHECK_FALSE(by_disk.Refusal(CaptureKind::kCancellation));
  REQUIRE(by_disk.Refusal(CaptureKind::kBinClear));
  CHECK(by_disk.Refusal(CaptureKind::kBinClear)->code == ErrorCode::kResourceExhausted);
  CHECK_THAT(by_disk.Refusal(CaptureKind::kBinClear)->Text(),
             Catch::Contains("the disk of the outbox has room for 15 MiB") &&
                 Catch::Contains("bin clears are refused, cancellations are taken") &&
                 Catch::Contains("free space on that file system"));
  const auto by_limit = JudgeRoom({2048 * kMiB, 0, 8 * kMiB, {}}, kDefaults, RoomStage::kPlenty);
  REQUIRE(by_limit.Refusal(CaptureKind::kCancellation));
  CHECK_THAT(by_limit.Refusal(CaptureKind::kCancellation)->Text(),
             Catch::Contains("outbox.max_bytes = 2 GiB") && Catch::Contains("or raise outbox.max_bytes"));
}

// A till whose disk the test fills up.
class FullTill : public OutboxHarness {
 public:
  explicit FullTill(const std::string& disk_name) : disk(disk_name) {
    options.database.vfs = disk.Name();
    options.reserve_bytes = 512 << 10;
  }

  ~FullTill() { Close(); }  // before its disk goes
  FullTill(const FullTill&) = delete;
  FullTill& operator=(const FullTill&) = delete;

  Result<Captured> TryCapture(CaptureKind kind) {
    CaptureInput input = Input("order:" + std::to_string(++captures), std::string(1000, 'x'));
    input.kind = kind;
    try {
      outbox->Begin();
      auto captured = outbox->Capture(input);
      outbox->Commit();
      if (captured) acknowledged.push_back(input.event_id);
      return captured;
    } catch (const StorageFault& fault) {
      outbox->Rollback();
      return fault.error();
    }
  }

  // Until one is refused; how many were taken.
  int FillWith(CaptureKind kind) {
    for (int taken = 0;; ++taken) {
      const auto captured = TryCapture(kind);
      if (captured) continue;
      CHECK(captured.error().code == ErrorCode::kResourceExhausted);
      return taken;
    }
  }

  void LeaveFree(std::uint64_t bytes) { disk.Disk().SetCapacity(disk.Disk().UsedBytes() + bytes); }

  void RequireAllThere() {
    for (const Uuid& id : acknowledged) REQUIRE(outbox->Find(id).ok());
  }

  FaultyVfs disk;
  int captures = 0;
  std::vector<Uuid> acknowledged;
};

TEST_CASE("on a disk that fills up bin clears are refused first, then all, and delivery and restarts go on") {
  FullTill till("full-till");
  till.Open();
  till.LeaveFree(6 << 20);
  const int clears = till.FillWith(CaptureKind::kBinClear);
  CHECK(till.outbox->Room().stage == RoomStage::kBinClearsRefused);
  const int cancellations = till.FillWith(CaptureKind::kCancellation);
  CHECK(till.outbox->Room().stage == RoomStage::kCapturesRefused);
  CHECK(clears > 500);
  CHECK(cancellations > 200);
  // Others take what is left.
  till.LeaveFree(0);
  CHECK_FALSE(till.TryCapture(CaptureKind::kCancellation).ok());

  // At zero bytes free: opened anew, and each event marked in a transaction of its own, through many times
  // the log.
  till.Open();
  CHECK(till.Status().room.stage == RoomStage::kCapturesRefused);
  const auto all = static_cast<Position>(clears + cancellations);
  for (Position position = 1; position <= all; ++position) {
    till.Answer({position}, position % 7 == 0 ? Disposition::kParked : Disposition::kAccepted,
                ParkReason::kTooManyLines);
  }
  till.Open();
  CHECK(till.Status().pending == 0);
  CHECK(till.Status().delivered + till.Status().parked == all);
  till.RequireAllThere();
  CHECK_FALSE(till.TryCapture(CaptureKind::kCancellation).ok());

  till.LeaveFree(8 << 20);
  CHECK(till.TryCapture(CaptureKind::kBinClear).ok());
  CHECK(till.outbox->Room().stage == RoomStage::kPlenty);
  till.RequireAllThere();
  std::cout << "full disk: " << clears << " bin clears and " << cancellations
            << " cancellations taken as it filled up, " << all << " answers noted at zero bytes free\n";
}

TEST_CASE(
    "a disk that is full all at once still lets everything be marked, and pruning makes room for captures") {
  FullTill till("suddenly-full");
  till.options.delivered_retention = std::chrono::hours(24 * 30);
  till.Open();
  till.LeaveFree(64 << 20);
  for (int i = 0; i < 2000; ++i) REQUIRE(till.TryCapture(CaptureKind::kCancellation).ok());
  till.LeaveFree(0);
  std::vector<Position> all;
  for (Position position = 1; position <= 2000; ++position) all.push_back(position);
  till.Answer(all, Disposition::kAccepted);
  CHECK(till.Status().delivered == 2000);
  // The centre has a backup of all: what it holds is given up for what it does not.
  const auto last = till.Transact([](Outbox& box) { return box.Epochs(); }).back();
  Welcome welcome;
  EpochState state;
  state.epoch = last.epoch;
  state.accepted = {{1, 2000, *last.last_hash}};
  state.backed_up_through = 2000;
  state.backed_up_hash = *last.last_hash;
  welcome.epochs = {state};
  till.Transact([&](Outbox& box) { return box.ApplyWelcome(welcome); });
  int taken = 0;
  while (taken < 500 && till.TryCapture(CaptureKind::kCancellation).ok()) ++taken;
  CHECK(taken == 500);
  CHECK(till.Status().pending == 500);
}

TEST_CASE("a full disk at the first start is no obstacle once there is room, and nothing is stored without") {
  FullTill till("full-from-the-start");
  till.disk.Disk().SetCapacity(40 << 10);
  till.Open();
  CHECK_FALSE(till.TryCapture(CaptureKind::kCancellation).ok());
  till.disk.Disk().SetCapacity(256 << 10);
  till.Open();
  CHECK_FALSE(till.TryCapture(CaptureKind::kCancellation).ok());
  till.disk.Disk().SetCapacity(64 << 20);
  till.clock.Advance(std::chrono::seconds(61));
  CHECK(till.TryCapture(CaptureKind::kCancellation).ok());
}

}  // namespace
}  // namespace tillwire
