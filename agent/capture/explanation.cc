#include "agent/capture/explanation.h"

#include <chrono>
#include <utility>

#include "core/figures.h"

namespace tillwire {
namespace {

std::string SpanUntil(WallTime time, WallTime now) {
  return SpanInWords(std::chrono::ceil<std::chrono::seconds>(time - now));
}

std::string WithDetail(const std::string& reason, const std::string& detail) {
  return detail.empty() ? reason : reason + " (" + detail + ")";
}

ExplanationReason ReasonOf(UplinkProblem problem) {
  switch (problem) {
    case UplinkProblem::kUnreachable:
      return ExplanationReason::kNoNetwork;
    case UplinkProblem::kWrongServer:
      return ExplanationReason::kWrongServer;
    case UplinkProblem::kCaptivePortal:
      return ExplanationReason::kCaptivePortal;
    case UplinkProblem::kCertificate:
      return ExplanationReason::kCertificate;
    case UplinkProblem::kClock:
      return ExplanationReason::kClock;
    case UplinkProblem::kRefused:
      return ExplanationReason::kRefused;
    case UplinkProblem::kBroken:
      return ExplanationReason::kProtocol;
    case UplinkProblem::kDisk:
      return ExplanationReason::kDisk;
  }
  return ExplanationReason::kUnspecified;
}

// An event that waits for nothing any more.
Explanation Settled(const EventView& event) {
  switch (event.state) {
    case EventState::kParked:
      return {ExplanationReason::kParked,
              "the centre refused it for now: " + WithDetail(event.reason, event.detail),
              ParkedRemedy(event.reason, event.event_id),
              {}};
    case EventState::kReleased:
      return {ExplanationReason::kReleased,
              "it was given up, and never takes effect: " + event.detail,
              "capture the action again if it is needed after all",
              {}};
    case EventState::kDamaged:
      return {ExplanationReason::kDamaged,
              "its bytes on this disk are damaged, so it was given up; the events after it go on",
              "capture the action again, and have the disk checked",
              {}};
    case EventState::kNotInEffect:
      return {
          ExplanationReason::kNotInEffect,
          "it reached the centre after its sequence had been given up; the centre keeps it, not in effect",
          "let the centre's operators decide (tillwire-ingestd events, kind reappeared)",
          {}};
    case EventState::kDelivered:
    case EventState::kPending:
      break;
  }
  return {ExplanationReason::kDelivered, "the centre has it on its disk", {}, {}};
}

std::optional<Explanation> Lane(const Circumstances& of) {
  if (!of.holder) return std::nullopt;
  const std::string id = of.holder->event_id.ToString();
  Explanation held{ExplanationReason::kLaneHeld, {}, {}, of.holder->event_id};
  if (of.holder->state == EventState::kParked) {
    held.text = "it waits behind event " + id + " of the same lane (" + of.event.lane +
                "), which is parked: " + WithDetail(of.holder->reason, of.holder->detail);
    held.remedy = ParkedRemedy(of.holder->reason, of.holder->event_id);
  } else {
    held.text = "it waits behind event " + id + " of the same lane (" + of.event.lane +
                "), which was captured before it and is pending too";
  }
  return held;
}

// What keeps the uplink as a whole from sending.
std::optional<Explanation> Uplink(const Circumstances& of) {
  const UplinkStatus& uplink = of.uplink;
  switch (uplink.state) {
    case UplinkState::kConnected:
      return std::nullopt;
    case UplinkState::kPaused:
      if (uplink.pause) {
        return Explanation{
            ExplanationReason::kPaused,
            "operator " + uplink.pause->operator_id + " paused the uplink: " + uplink.pause->reason,
            "it ends by itself in " + SpanUntil(uplink.pause->until, of.now) +
                ", or now with: tillwire resume",
            {}};
      }
      break;
    case UplinkState::kPushedBack:
      return Explanation{ExplanationReason::kPushedBack,
                         "the centre asked this terminal to wait",
                         uplink.next_attempt
                             ? "none is needed: it goes on in " + SpanUntil(*uplink.next_attempt, of.now)
                             : "none is needed: it goes on by itself",
                         {}};
    case UplinkState::kWaiting:
    case UplinkState::kConnecting:
      break;
  }
  if (!uplink.problem) {
    return Explanation{
        ExplanationReason::kConnecting, "the connection to " + uplink.server + " is being made", {}, {}};
  }
  Explanation problem{ReasonOf(*uplink.problem), uplink.last_error, uplink.remedy, {}};
  if (uplink.next_attempt) problem.text += "; next attempt in " + SpanUntil(*uplink.next_attempt, of.now);
  return problem;
}

Explanation Unhindered(const Circumstances& of) {
  if (of.activity.in_flight) {
    return {ExplanationReason::kInFlight,
            "it is on its way: sent to " + of.uplink.server + ", whose answer is awaited",
            {},
            {}};
  }
  return {ExplanationReason::kQueued,
          of.pending == 1 ? "it is next"
                          : "it is in the queue with others: " + std::to_string(of.pending) + " events wait",
          {},
          {}};
}

// What this terminal refuses meanwhile: that does not hold the event back, but who looks into one wants to
// know.
std::optional<Explanation> Refusals(const Circumstances& of) {
  if (of.trouble) return Explanation{ExplanationReason::kDisk, of.trouble->message, of.trouble->hint, {}};
  if (of.room.stage < RoomStage::kBinClearsRefused) return std::nullopt;
  return Explanation{ExplanationReason::kDisk, of.room.Reason(), of.room.Remedy(), {}};
}

}  // namespace

std::string ParkedRemedy(const std::string& reason, const Uuid& event_id) {
  const std::string id = event_id.ToString();
  const std::string requeue = ", then: tillwire requeue " + id;
  if (reason == "TOO_MANY_LINES") return "raise acceptance.max_lines at the centre" + requeue;
  if (reason == "STORE_NOT_ALLOWED")
    return "add this store to acceptance.allowed_stores at the centre" + requeue;
  if (reason == "INVALID_EVENT") return "update the centre to a version that reads this event" + requeue;
  if (reason == "HASH_MISMATCH") return "something alters the data on its way; check the network" + requeue;
  if (reason == "EVENT_ID_REUSED") {
    return "the centre has another event of this id: compare the two, capture this action again if it is "
           "missing, then: tillwire release " +
           id + " --operator-id YOU --reason WHY";
  }
  return "correct what the reason says" + requeue;
}

std::vector<Explanation> Explain(const Circumstances& of) {
  if (of.event.state != EventState::kPending) return {Settled(of.event)};
  std::vector<Explanation> explanations;
  const auto add = [&](std::optional<Explanation> explanation) {
    if (explanation) explanations.push_back(std::move(*explanation));
  };
  // A parked holder needs a person whatever the connection does; a pending one goes with it.
  auto lane = Lane(of);
  const bool lane_first = of.holder && of.holder->state == EventState::kParked;
  if (lane_first) add(std::exchange(lane, std::nullopt));
  add(Uplink(of));
  add(std::move(lane));
  if (of.activity.retry_at) {
    add(Explanation{ExplanationReason::kRetryLater,
                    "the centre asked to send it again later",
                    "none is needed: that is in " + SpanUntil(*of.activity.retry_at, of.now),
                    {}});
  }
  if (explanations.empty()) add(Unhindered(of));
  add(Refusals(of));
  return explanations;
}

}  // namespace tillwire
