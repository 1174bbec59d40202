#include "agent/capture/capture_gate.h"

#include <catch2/catch.hpp>

#include "tests/agent/capture/fake_capture_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

class Fixture {
 protected:
  CaptureInput Input(const std::string& lane, std::optional<Uuid> joins = {}) {
    CaptureInput input;
    input.event_id = uuids_.Make(clock_.WallNow());
    input.lane = lane;
    input.joins_lane_of = joins;
    return input;
  }
  void Capture(const CaptureInput& input) {
    gate.Capture(input, [this](const Result<Captured>& captured) {
      const std::lock_guard lock(mutex_);
      captured ? ++stored_ : ++refused_;
      if (!captured) last_error_ = captured.error();
    });
  }
  bool Stored(int count) {
    return WaitUntil(std::chrono::seconds(10), [&] { return Count(stored_) == count; });
  }
  int Count(const int& counter) {
    const std::lock_guard lock(mutex_);
    return counter;
  }
  int Refused() { return Count(refused_); }
  Error LastError() {
    const std::lock_guard lock(mutex_);
    return last_error_;
  }

 private:
  FakeClock clock_;
  FakeRng rng_;
  UuidGenerator uuids_{rng_};
  std::mutex mutex_;
  int stored_ = 0;
  int refused_ = 0;
  Error last_error_;

 public:
  FakeCaptureStore store;
  CaptureGate gate{store};
};

TEST_CASE_METHOD(Fixture, "Until it opens everything waits, then goes in order of arrival") {
  CHECK(gate.Holding());
  const auto first = Input("order:A");
  const auto second = Input("order:A");
  Capture(first);
  Capture(second);
  CHECK(store.Stored().empty());
  gate.Open();
  CHECK_FALSE(gate.Holding());
  Capture(Input("order:B"));
  REQUIRE(Stored(3));
  CHECK(store.Stored()[0].event_id == first.event_id);
  CHECK(store.Stored()[1].event_id == second.event_id);
}

TEST_CASE_METHOD(Fixture, "Once the lanes are known, only those wait, each until its last file is taken") {
  const auto one = Input("order:A");
  const auto two = Input("order:A");
  WaitingLanes lanes;
  lanes.Add(one);
  lanes.Add(two);
  Capture(Input("order:B"));
  gate.HoldLanes(lanes);
  REQUIRE(Stored(1));
  Capture(Input("order:A"));
  Capture(Input("order:C"));
  REQUIRE(Stored(2));
  gate.Release({one});
  Capture(Input("order:D"));
  REQUIRE(Stored(3));
  gate.Release({two});
  REQUIRE(Stored(4));
  CHECK(store.Stored()[3].lane == "order:A");
}

TEST_CASE_METHOD(Fixture, "A capture that names a cancellation waits as long as anything does") {
  const auto file = Input("order:A");
  WaitingLanes lanes;
  lanes.Add(file);
  gate.HoldLanes(lanes);
  Capture(Input("bin:7", file.event_id));
  Capture(Input("bin:7"));
  REQUIRE(Stored(1));
  CHECK_FALSE(store.Stored()[0].joins_lane_of);
  gate.Release({file});
  REQUIRE(Stored(2));
}

TEST_CASE_METHOD(Fixture, "While a file waits that names a cancellation, any lane may be its own") {
  const auto file = Input("bin:7", Input("order:A").event_id);
  const auto other = Input("order:B");
  WaitingLanes lanes;
  lanes.Add(file);
  lanes.Add(other);
  gate.HoldLanes(lanes);
  Capture(Input("order:C"));
  CHECK(store.Stored().empty());
  gate.Release({file});
  REQUIRE(Stored(1));
}

TEST_CASE_METHOD(Fixture, "While the spool can't be taken, who would wait is refused with the reason") {
  const auto file = Input("order:A");
  WaitingLanes lanes;
  lanes.Add(file);
  gate.HoldLanes(lanes);
  Capture(Input("order:A"));
  gate.Stall({ErrorCode::kResourceExhausted, "the outbox is full", "wait"});
  CHECK(Refused() == 1);
  CHECK(LastError().code == ErrorCode::kResourceExhausted);
  CHECK_THAT(LastError().message, Catch::EndsWith("which can't be taken now: the outbox is full"));
  Capture(Input("order:A"));
  CHECK(Refused() == 2);
  Capture(Input("order:B"));
  REQUIRE(Stored(1));
  gate.Resume();
  Capture(Input("order:A"));
  CHECK(Refused() == 2);
  gate.Open();
  REQUIRE(Stored(2));
}

TEST_CASE_METHOD(Fixture, "When the agent stops nothing is left waiting") {
  Capture(Input("order:A"));
  gate.Stop();
  CHECK(Refused() == 1);
  CHECK(LastError().code == ErrorCode::kUnavailable);
  Capture(Input("order:A"));
  CHECK(Refused() == 2);
  CHECK(store.Stored().empty());
}

}  // namespace
}  // namespace tillwire
