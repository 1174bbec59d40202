#include "tests/fuzz/capture_check.h"

#include <google/protobuf/util/message_differencer.h>

#include "core/lane.h"
#include "core/limits.h"
#include "ingest/acceptance/rules.h"
#include "proto/event_codec.h"
#include "proto/json_codec.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fuzz/expect.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire::fuzz {
namespace {

const AgentIdentity kIdentity{"0417", "till-3", "boot"};

// What the agent takes it must be able to deliver.
void CheckTaken(const CaptureInput& input) {
  Expect(input.event.size() <= kMaxEventBytes, "an event keeps to its limit");
  Expect(!input.lane.empty() && input.lane.size() <= kMaxLaneBytes, "an event has a lane within its limit");
  const auto event = DecodeEvent(input.event);
  Expect(event.ok(), "the event that was made can be read");
  Expect(EncodeEvent(*event) == input.event, "the event that was made gives the same bytes again");
  Expect(LaneOf(event->request.body) == input.lane, "the lane is that of the event's body");
  Expect(event->event_id == input.event_id.ToString(), "the event has its id");

  Record record;
  record.id = {1, 1};
  record.lane = input.lane;
  record.event = input.event;
  record.hash = RecordHash(record.id, record.lane, {}, {}, record.event);
  const StreamIdentity terminal{kIdentity.store_id, kIdentity.terminal_id};
  const auto inspected = Inspect({1, 1, {record}}, terminal, {});
  Expect(inspected.inspections.at(0).reason == ParkReason::kUnspecified,
         "the centre takes what the terminal took: " + inspected.inspections.at(0).detail);
}

Result<void> Check(const Result<CaptureInput>& input) {
  if (!input) {
    ExpectRefusal(input.error());
    Expect(input.error().code == ErrorCode::kInvalidArgument, "what is refused is the input's fault");
    return input.error();
  }
  CheckTaken(*input);
  return {};
}

}  // namespace

void CheckJsonRoundTrip(const v1::CaptureEventRequest& wire) {
  for (const auto layout : {JsonLayout::kOneLine, JsonLayout::kIndented}) {
    const std::string text = ToJson(wire, layout);
    v1::CaptureEventRequest again;
    const auto parsed = ParseJson(text, again);
    Expect(parsed.ok(), "what was written as JSON can be read: " + (parsed ? "" : parsed.error().Text()));
    Expect(google::protobuf::util::MessageDifferencer::Equals(wire, again),
           "what was written as JSON is read as the same: " + text);
  }
}

void CheckFromSocket(const SuppliedCapture& supplied) {
  const FakeClock clock;
  FakeRng rng;
  (void)Check(CaptureIntake(clock, rng, kIdentity).FromSocket(supplied.request, supplied.content));
}

Result<void> CheckFromSpool(const SuppliedCapture& supplied, const std::string& key) {
  const FakeClock clock;
  FakeRng rng;
  return Check(CaptureIntake(clock, rng, kIdentity).FromSpool(supplied.request, supplied.content, key));
}

}  // namespace tillwire::fuzz
