// Why an event is where it is: each situation has its reason, its words and its remedy.
#include "agent/capture/explanation.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

using std::chrono::seconds;

const Uuid kEvent = *Uuid::Parse("01980000-0000-7000-8000-000000000001");
const Uuid kHolder = *Uuid::Parse("01980000-0000-7000-8000-000000000002");

// A pending event on a till that is connected.
Circumstances Pending() {
  Circumstances of;
  of.event.event_id = kEvent;
  of.event.lane = "order:100023";
  of.uplink.state = UplinkState::kConnected;
  of.uplink.server = "ingest.example.com:7443";
  of.pending = 1;
  of.now = FromMicros(1'780'000'000'000'000);
  return of;
}

// The same on a till whose uplink is in trouble.
Circumstances InTrouble(UplinkProblem problem) {
  Circumstances of = Pending();
  of.uplink.state = UplinkState::kWaiting;
  of.uplink.problem = problem;
  of.uplink.last_error = "what happened";
  of.uplink.remedy = "what to do";
  of.uplink.next_attempt = of.now + seconds(42);
  return of;
}

Circumstances Held(EventState holder_state) {
  Circumstances of = Pending();
  of.event.held_by = 1;
  of.event.held_by_id = kHolder;
  of.holder.emplace();
  of.holder->event_id = kHolder;
  of.holder->state = holder_state;
  if (holder_state == EventState::kParked) {
    of.holder->reason = "TOO_MANY_LINES";
    of.holder->detail = "5 lines, 3 are allowed";
  }
  return of;
}

Circumstances Settled(EventState state, const std::string& detail = {}) {
  Circumstances of = Pending();
  of.event.state = state;
  of.event.detail = detail;
  return of;
}

Explanation Only(const Circumstances& of) {
  const auto explanations = Explain(of);
  REQUIRE(explanations.size() == 1);
  return explanations.front();
}

TEST_CASE("a pending event that nothing stands in the way of is next, or in the queue, or on its way") {
  Circumstances of = Pending();
  CHECK(Only(of).reason == ExplanationReason::kQueued);
  CHECK(Only(of).text == "it is next");
  of.pending = 12;
  CHECK(Only(of).text == "it is in the queue with others: 12 events wait");
  of.activity.in_flight = true;
  CHECK(Only(of).reason == ExplanationReason::kInFlight);
  CHECK_THAT(Only(of).text, Catch::Contains("ingest.example.com:7443"));
  CHECK(Only(of).remedy.empty());
}

TEST_CASE("what this terminal refuses meanwhile is said last") {
  Circumstances of = Pending();
  of.room.stage = RoomStage::kPruningEarly;
  CHECK(Explain(of).size() == 1);
  of.room.stage = RoomStage::kCapturesRefused;
  of.room.bound = OutboxRoom::Bound::kDisk;
  REQUIRE(Explain(of).size() == 2);
  CHECK(Explain(of)[0].reason == ExplanationReason::kQueued);
  CHECK(Explain(of)[1].reason == ExplanationReason::kDisk);
  CHECK_THAT(Explain(of)[1].text, Catch::Contains("all are refused, delivery goes on"));
  of.trouble = Error{ErrorCode::kUnavailable, "the outbox can't be written", "check the disk"};
  CHECK(Explain(of)[1].text == "the outbox can't be written");
  CHECK(Explain(of)[1].remedy == "check the disk");
}

TEST_CASE("each trouble of the uplink is named, with what to do and when it is tried again") {
  const auto [problem, reason] = GENERATE(table<UplinkProblem, ExplanationReason>({
      {UplinkProblem::kUnreachable, ExplanationReason::kNoNetwork},
      {UplinkProblem::kWrongServer, ExplanationReason::kWrongServer},
      {UplinkProblem::kCaptivePortal, ExplanationReason::kCaptivePortal},
      {UplinkProblem::kCertificate, ExplanationReason::kCertificate},
      {UplinkProblem::kClock, ExplanationReason::kClock},
      {UplinkProblem::kRefused, ExplanationReason::kRefused},
      {UplinkProblem::kBroken, ExplanationReason::kProtocol},
      {UplinkProblem::kDisk, ExplanationReason::kDisk},
  }));
  const Explanation explanation = Only(InTrouble(problem));
  CHECK(explanation.reason == reason);
  CHECK(explanation.text == "what happened; next attempt in 42 s");
  CHECK(explanation.remedy == "what to do");
}

TEST_CASE("the first attempt is no trouble yet") {
  Circumstances of = Pending();
  of.uplink.state = UplinkState::kConnecting;
  CHECK(Only(of).reason == ExplanationReason::kConnecting);
}

TEST_CASE("a pause names who, why and until when") {
  Circumstances of = InTrouble(UplinkProblem::kUnreachable);
  of.uplink.state = UplinkState::kPaused;
  of.uplink.pause = UplinkPause{"117", "network works", of.now, of.now + seconds(600)};
  const Explanation explanation = Only(of);
  CHECK(explanation.reason == ExplanationReason::kPaused);
  CHECK(explanation.text == "operator 117 paused the uplink: network works");
  CHECK(explanation.remedy == "it ends by itself in 10 min, or now with: tillwire resume");
}

TEST_CASE("pushback and retry need patience only") {
  Circumstances of = Pending();
  of.uplink.state = UplinkState::kPushedBack;
  of.uplink.next_attempt = of.now + seconds(30);
  CHECK(Only(of).reason == ExplanationReason::kPushedBack);
  CHECK_THAT(Only(of).remedy, Catch::Contains("30 s"));
  of = Pending();
  of.activity.retry_at = of.now + seconds(5);
  CHECK(Only(of).reason == ExplanationReason::kRetryLater);
  CHECK_THAT(Only(of).remedy, Catch::Contains("5 s"));
}

TEST_CASE("a lane that is held names the event that holds it, and its remedy") {
  const Explanation parked = Only(Held(EventState::kParked));
  CHECK(parked.reason == ExplanationReason::kLaneHeld);
  CHECK(parked.event_id == kHolder);
  CHECK_THAT(parked.text, Catch::Contains(kHolder.ToString()) && Catch::Contains("order:100023") &&
                              Catch::Contains("TOO_MANY_LINES (5 lines, 3 are allowed)"));
  CHECK(parked.remedy == ParkedRemedy("TOO_MANY_LINES", kHolder));
  const Explanation pending = Only(Held(EventState::kPending));
  CHECK(pending.reason == ExplanationReason::kLaneHeld);
  CHECK(pending.remedy.empty());
}

TEST_CASE("of two obstacles, the one that needs a person comes first") {
  Circumstances of = InTrouble(UplinkProblem::kUnreachable);
  const Circumstances held = Held(EventState::kParked);
  of.event = held.event;
  of.holder = held.holder;
  auto explanations = Explain(of);
  REQUIRE(explanations.size() == 2);
  CHECK(explanations[0].reason == ExplanationReason::kLaneHeld);
  CHECK(explanations[1].reason == ExplanationReason::kNoNetwork);
  of.holder->state = EventState::kPending;
  explanations = Explain(of);
  REQUIRE(explanations.size() == 2);
  CHECK(explanations[0].reason == ExplanationReason::kNoNetwork);
  CHECK(explanations[1].reason == ExplanationReason::kLaneHeld);
}

TEST_CASE("an event that is not pending says so, whatever the uplink does") {
  Circumstances of = Settled(EventState::kParked, "5 lines, 3 are allowed");
  of.event.reason = "TOO_MANY_LINES";
  of.uplink.state = UplinkState::kWaiting;
  CHECK(Only(of).reason == ExplanationReason::kParked);
  CHECK(Only(of).text == "the centre refused it for now: TOO_MANY_LINES (5 lines, 3 are allowed)");
  CHECK(Only(of).remedy == ParkedRemedy("TOO_MANY_LINES", kEvent));
  CHECK(Only(Settled(EventState::kDelivered)).reason == ExplanationReason::kDelivered);
  const Explanation released = Only(Settled(EventState::kReleased, "released by operator 9: twice"));
  CHECK(released.reason == ExplanationReason::kReleased);
  CHECK_THAT(released.text, Catch::Contains("released by operator 9: twice"));
  CHECK(Only(Settled(EventState::kDamaged)).reason == ExplanationReason::kDamaged);
  CHECK(Only(Settled(EventState::kNotInEffect)).reason == ExplanationReason::kNotInEffect);
}

}  // namespace
}  // namespace tillwire
