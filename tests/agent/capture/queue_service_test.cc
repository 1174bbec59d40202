// What callers may ask about the queue, and do to it, over a real Unix socket.
#include <grpcpp/grpcpp.h>

#include <catch2/catch.hpp>

#include "proto/event_codec.h"
#include "tests/agent/capture/capture_rig.h"
#include "tillwire/v1/capture.grpc.pb.h"

namespace tillwire {
namespace {

const Uuid kFirst = *Uuid::Parse("01980000-0000-7000-8000-000000000001");
const Uuid kSecond = *Uuid::Parse("01980000-0000-7000-8000-000000000002");
const Uuid kThird = *Uuid::Parse("01980000-0000-7000-8000-000000000003");

EventView View(Position position, const Uuid& event_id, EventState state) {
  EventView view;
  view.position = position;
  view.event_id = event_id;
  view.id = {0xE0, position};
  view.lane = "order:100023";
  view.state = state;
  Event event;
  event.event_id = event_id.ToString();
  event.request.operator_id = "117";
  view.event = EncodeEvent(event);
  return view;
}

class QueueCaller : protected CaptureRig {
 protected:
  QueueCaller()
      : stub_(v1::CaptureService::NewStub(
            grpc::CreateChannel("unix:" + Socket(), grpc::InsecureChannelCredentials()))) {}

  // Calls a unary method of the stub.
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::CaptureService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                     Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    return (stub_.get()->*method)(&context, request, &response);
  }

  template <typename Request>
  static Request For(const Uuid& event_id) {
    Request request;
    request.set_event_id(event_id.ToString());
    return request;
  }

  std::unique_ptr<v1::CaptureService::Stub> stub_;
};

TEST_CASE_METHOD(QueueCaller, "An event is given with its state and its content") {
  EventView parked = View(7, kFirst, EventState::kParked);
  parked.reason = "TOO_MANY_LINES";
  parked.detail = "5 lines, 3 are allowed";
  parked.since = clock.WallNow();
  store.SetEvents({parked});
  v1::GetEventResponse response;
  REQUIRE(Call(&v1::CaptureService::Stub::GetEvent, For<v1::GetEventRequest>(kFirst), response).ok());
  const v1::OutboxEvent& event = response.event();
  CHECK(event.event_id() == kFirst.ToString());
  CHECK(event.position() == 7);
  CHECK(event.sequence() == 7);
  CHECK(event.lane() == "order:100023");
  CHECK(event.state() == v1::OUTBOX_EVENT_STATE_PARKED);
  CHECK(event.reason() == "TOO_MANY_LINES");
  CHECK_THAT(event.remedy(), Catch::Contains("acceptance.max_lines"));
  CHECK(event.has_state_time());
  CHECK(event.event().operator_id() == "117");

  CHECK(Call(&v1::CaptureService::Stub::GetEvent, For<v1::GetEventRequest>(kSecond), response).error_code() ==
        grpc::StatusCode::NOT_FOUND);
  v1::GetEventRequest malformed;
  malformed.set_event_id("17");
  CHECK(Call(&v1::CaptureService::Stub::GetEvent, malformed, response).error_code() ==
        grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_CASE_METHOD(QueueCaller, "A list streams every page, up to its limit") {
  store.SetEvents({View(1, kFirst, EventState::kDelivered), View(2, kSecond, EventState::kPending),
                   View(3, kThird, EventState::kPending)});
  const auto list = [&](const v1::ListEventsRequest& request) {
    grpc::ClientContext context;
    std::vector<std::string> ids;
    const auto reader = stub_->ListEvents(&context, request);
    v1::ListEventsResponse response;
    while (reader->Read(&response)) ids.push_back(response.event().event_id());
    return std::pair(reader->Finish(), ids);
  };
  const auto [status, ids] = list({});
  CHECK(status.ok());
  CHECK(ids == std::vector<std::string>{kFirst.ToString(), kSecond.ToString(), kThird.ToString()});
  v1::ListEventsRequest limited;
  limited.set_limit(1);
  limited.set_after_position(1);
  CHECK(list(limited).second == std::vector<std::string>{kSecond.ToString()});
  v1::ListEventsRequest malformed;
  malformed.add_states(static_cast<v1::OutboxEventState>(77));
  const grpc::Status refused = list(malformed).first;
  CHECK(refused.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(refused.error_message(), Catch::Contains("states[0]"));
}

TEST_CASE_METHOD(QueueCaller, "A watch begins with the status, and tells of each change") {
  OutboxStatus status;
  status.pending = 3;
  store.SetStatus(status);
  store.SetEvents({View(1, kFirst, EventState::kPending)});
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  v1::WatchEventsRequest request;
  request.set_include_events(true);
  const auto reader = stub_->WatchEvents(&context, request);
  v1::WatchEventsResponse update;
  REQUIRE(reader->Read(&update));
  CHECK(update.status().outbox().pending() == 3);
  CHECK(update.status().terminal_id() == "till-3");

  status.pending = 4;
  store.SetStatus(status);
  changes.Publish({1});
  REQUIRE(reader->Read(&update));
  CHECK(update.status().outbox().pending() == 4);
  REQUIRE(reader->Read(&update));
  CHECK(update.event().event_id() == kFirst.ToString());

  std::vector<Position> many(1000);
  for (Position i = 0; i < many.size(); ++i) many[i] = i + 1;
  changes.Publish(many);
  REQUIRE(reader->Read(&update));
  CHECK(update.has_status());
  REQUIRE(reader->Read(&update));
  CHECK(update.skipped_events() == 1000);

  service.StopStreams();
  CHECK_FALSE(reader->Read(&update));
  CHECK(reader->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE_METHOD(QueueCaller, "A watch without events carries the status alone, and can be cancelled") {
  grpc::ClientContext context;
  const auto reader = stub_->WatchEvents(&context, {});
  v1::WatchEventsResponse update;
  REQUIRE(reader->Read(&update));
  changes.Publish({1, 2});
  REQUIRE(reader->Read(&update));
  CHECK(update.has_status());
  context.TryCancel();
  while (reader->Read(&update)) {
  }
  CHECK(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
  changes.Publish({3});
}

TEST_CASE_METHOD(QueueCaller, "An explanation knows the lane, the uplink and the event") {
  EventView waiting = View(2, kSecond, EventState::kPending);
  waiting.held_by = 1;
  waiting.held_by_id = kFirst;
  store.SetEvents({View(1, kFirst, EventState::kParked), waiting});
  UplinkStatus uplink;
  uplink.state = UplinkState::kWaiting;
  uplink.problem = UplinkProblem::kCaptivePortal;
  uplink.last_error = "an answer in HTTP";
  SetUplink(uplink);
  v1::ExplainEventResponse response;
  REQUIRE(
      Call(&v1::CaptureService::Stub::ExplainEvent, For<v1::ExplainEventRequest>(kSecond), response).ok());
  CHECK(response.event().held_by_event_id() == kFirst.ToString());
  REQUIRE(response.explanations_size() == 2);
  CHECK(response.explanations(0).reason() == v1::EXPLANATION_REASON_LANE_HELD);
  CHECK(response.explanations(0).event_id() == kFirst.ToString());
  CHECK(response.explanations(1).reason() == v1::EXPLANATION_REASON_CAPTIVE_PORTAL);
  CHECK_THAT(response.explanations(1).text(), Catch::Contains("an answer in HTTP"));
}

TEST_CASE_METHOD(QueueCaller, "A release wants to know who and why, and tells the uplink") {
  store.SetParked(kFirst);
  auto request = For<v1::ReleaseEventRequest>(kFirst);
  v1::ReleaseEventResponse response;
  const auto release = [&] { return Call(&v1::CaptureService::Stub::ReleaseEvent, request, response); };
  CHECK_THAT(release().error_message(), Catch::Contains("operator_id is required"));
  request.set_operator_id("9");
  CHECK_THAT(release().error_message(), Catch::Contains("reason is required"));
  request.set_reason("card 4111 1111 1111 1111");
  CHECK_THAT(release().error_message(), Catch::Contains("payment card number"));
  request.set_reason(std::string(513, 'x'));
  CHECK_THAT(release().error_message(), Catch::Contains("513 bytes"));
  CHECK(Calls().empty());
  request.set_reason("entered twice");
  REQUIRE(release().ok());
  CHECK(response.parked_reason() == "TOO_MANY_LINES");
  CHECK(store.ReleaseCause() == "released by operator 9: entered twice");
  CHECK(Calls() == std::vector<std::string>{"released"});
}

TEST_CASE_METHOD(QueueCaller, "All of a reason are requeued, and the uplink goes back to the first") {
  store.SetParked(kFirst);
  v1::RequeueEventsRequest request;
  v1::RequeueEventsResponse response;
  const auto requeue = [&] { return Call(&v1::CaptureService::Stub::RequeueEvents, request, response); };
  CHECK(requeue().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  request.set_parked_reason("STORE_NOT_ALLOWED");
  REQUIRE(requeue().ok());
  CHECK(response.requeued() == 0);
  CHECK(Calls().empty());
  request.set_parked_reason("TOO_MANY_LINES");
  REQUIRE(requeue().ok());
  CHECK(response.requeued() == 1);
  CHECK(Calls() == std::vector<std::string>{"requeued 7"});
}

TEST_CASE_METHOD(QueueCaller, "A pause lasts an hour, or as asked, a day at most") {
  v1::PauseUplinkRequest request;
  v1::PauseUplinkResponse response;
  const auto pause = [&] { return Call(&v1::CaptureService::Stub::PauseUplink, request, response); };
  CHECK(pause().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  request.set_operator_id("117");
  request.set_reason("network works");
  REQUIRE(pause().ok());
  CHECK(store.NotedPause()->until == clock.WallNow() + std::chrono::hours(1));
  request.mutable_duration()->set_seconds(24 * 3600 + 1);
  CHECK_THAT(pause().error_message(), Catch::Contains("duration"));
  request.mutable_duration()->set_seconds(0);
  CHECK_THAT(pause().error_message(), Catch::Contains("duration"));
  request.mutable_duration()->set_seconds(60);
  REQUIRE(pause().ok());
  CHECK(store.NotedPause()->until == clock.WallNow() + std::chrono::minutes(1));

  UplinkStatus uplink;
  uplink.pause = store.NotedPause();
  SetUplink(uplink);
  v1::ResumeUplinkResponse resumed;
  REQUIRE(Call(&v1::CaptureService::Stub::ResumeUplink, v1::ResumeUplinkRequest(), resumed).ok());
  CHECK(resumed.was_paused());
  CHECK_FALSE(store.NotedPause());
  CHECK(Calls() == std::vector<std::string>{"paused", "paused", "resumed"});
}

}  // namespace
}  // namespace tillwire
