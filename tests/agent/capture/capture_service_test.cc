// CaptureService over a real Unix socket.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <catch2/catch.hpp>

#include "core/derived_event_id.h"
#include "core/limits.h"
#include "proto/event_codec.h"
#include "proto/grpc_error.h"
#include "tests/agent/capture/capture_rig.h"
#include "tillwire/v1/capture.grpc.pb.h"

namespace tillwire {
namespace {

v1::CaptureEventRequest MakeRequest() {
  v1::CaptureEventRequest request;
  request.set_idempotency_key("key-1");
  request.set_operator_id("117");
  auto& body = *request.mutable_order_cancellation();
  body.set_order_id("100023");
  body.set_scope(v1::CANCELLATION_SCOPE_LINES);
  body.set_initiator(v1::CANCELLATION_INITIATOR_CUSTOMER);
  body.set_reason(v1::CANCELLATION_REASON_CUSTOMER_REQUEST);
  body.set_release_policy(v1::RELEASE_POLICY_ON_PUT_BACK);
  auto& line = *body.add_lines();
  line.set_sku("4711");
  line.set_quantity(2);
  return request;
}

class Client : protected CaptureRig {
 protected:
  Client()
      : channel_(grpc::CreateChannel("unix:" + Socket(), grpc::InsecureChannelCredentials())),
        stub_(v1::CaptureService::NewStub(channel_)) {}

  // `traceparents` go into the call's metadata.
  grpc::Status Capture(const v1::CaptureEventRequest& request,
                       const std::vector<std::string>& traceparents = {}) {
    grpc::ClientContext context;
    for (const auto& header : traceparents) context.AddMetadata("traceparent", header);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    response_.Clear();
    return stub_->CaptureEvent(&context, request, &response_);
  }

  // The same call with bytes that no generated client would send.
  grpc::Status CaptureBytes(const std::string& bytes) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    const grpc::Slice slice(bytes);
    const auto call = stub.PrepareUnaryCall(&context, "/tillwire.v1.CaptureService/CaptureEvent",
                                            grpc::ByteBuffer(&slice, 1), &queue);
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->StartCall();
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status;
  }

  grpc::Status Requeue(const std::string& event_id, v1::RequeueEventResponse& response) {
    grpc::ClientContext context;
    v1::RequeueEventRequest request;
    request.set_event_id(event_id);
    return stub_->RequeueEvent(&context, request, &response);
  }

  v1::GetAgentStatusResponse GetStatus() {
    grpc::ClientContext context;
    v1::GetAgentStatusResponse response;
    REQUIRE(stub_->GetAgentStatus(&context, {}, &response).ok());
    return response;
  }

  // What the store got, decoded.
  Event StoredEvent(std::size_t index) {
    const auto stored = store.Stored();
    REQUIRE(stored.size() > index);
    auto event = DecodeEvent(stored[index].event);
    REQUIRE(event.ok());
    return std::move(event).value();
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::CaptureService::Stub> stub_;
  v1::CaptureEventResponse response_;
};

TEST_CASE_METHOD(Client, "A capture is stored with what the agent knows, and answered with its identity") {
  clock.Advance(std::chrono::seconds(90));
  REQUIRE(Capture(MakeRequest()).ok());
  const auto stored = store.Stored();
  REQUIRE(stored.size() == 1);
  CHECK(response_.event_id() == stored[0].event_id.ToString());
  CHECK(response_.sequence() == 1);
  CHECK_FALSE(response_.repeated());
  CHECK(stored[0].lane == "order:100023");
  CHECK_FALSE(stored[0].joins_lane_of);
  CHECK(stored[0].captured_at == clock.WallNow());
  REQUIRE(stored[0].idempotency);
  CHECK(stored[0].idempotency->key == Sha256("key-1"));
  CHECK(stored[0].idempotency->content == CaptureContentHash(MakeRequest()));

  const Event event = StoredEvent(0);
  CHECK(event.event_id == response_.event_id());
  CHECK(event.store_id == "0042");
  CHECK(event.terminal_id == "till-3");
  CHECK(event.boot_id == "boot-1");
  CHECK(event.captured.wall == clock.WallNow());
  CHECK(event.captured.boot == std::chrono::seconds(90));
  CHECK(event.captured.synchronized);
  CHECK(event.request.occur_time == clock.WallNow());
  CHECK(event.request.source == EventSource::kGrpc);
  CHECK(event.request.idempotency_key == "key-1");
}

TEST_CASE_METHOD(Client, "What the caller says of time and source is kept") {
  auto request = MakeRequest();
  request.mutable_occur_time()->set_seconds(1'700'000'000);
  request.set_source(v1::EVENT_SOURCE_CLI);
  REQUIRE(Capture(request).ok());
  CHECK(StoredEvent(0).request.occur_time == FromMicros(1'700'000'000'000'000));
  CHECK(StoredEvent(0).request.source == EventSource::kCli);
}

TEST_CASE_METHOD(Client, "Key and time together give the event its id, and neither alone does") {
  auto request = MakeRequest();
  request.mutable_occur_time()->set_seconds(1'700'000'000);
  REQUIRE(Capture(request).ok());
  const Uuid derived = DerivedEventId("0042", "till-3", "key-1", FromMicros(1'700'000'000'000'000));
  CHECK(response_.event_id() == derived.ToString());
  CHECK(store.Stored()[0].event_id == derived);
  CHECK(StoredEvent(0).event_id == derived.ToString());
  request.clear_idempotency_key();
  REQUIRE(Capture(request).ok());
  CHECK(store.Stored()[1].event_id.bytes[6] >> 4 == 7);
  request = MakeRequest();
  request.set_idempotency_key("key-2");
  REQUIRE(Capture(request).ok());
  CHECK(store.Stored()[2].event_id.bytes[6] >> 4 == 7);
}

TEST_CASE_METHOD(Client, "A trace context in the call's metadata is taken where the request has none") {
  const std::string in_metadata = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const std::string in_request = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  auto request = MakeRequest();
  request.clear_idempotency_key();
  REQUIRE(Capture(request, {in_metadata}).ok());
  CHECK(StoredEvent(0).request.traceparent == in_metadata);
  request.set_traceparent(in_request);
  REQUIRE(Capture(request, {in_metadata}).ok());
  CHECK(StoredEvent(1).request.traceparent == in_request);
}

TEST_CASE_METHOD(Client, "A malformed trace context in the metadata costs no capture") {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  auto request = MakeRequest();
  request.clear_idempotency_key();
  const std::vector<std::vector<std::string>> malformed = {
      {"00-nonsense"},
      {""},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
      {good + "-more"},
      {"01" + good.substr(2) + "-" + std::string(300, 'a')},
      {good, good}};
  for (const auto& headers : malformed) REQUIRE(Capture(request, headers).ok());
  for (std::size_t i = 0; i < malformed.size(); ++i) CHECK(StoredEvent(i).request.traceparent.empty());
  REQUIRE(Capture(request, {"01" + good.substr(2) + "-later"}).ok());
  CHECK(StoredEvent(malformed.size()).request.traceparent == "01" + good.substr(2) + "-later");
}

TEST_CASE_METHOD(Client, "A repeat in another span is the same action") {
  REQUIRE(Capture(MakeRequest(), {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}).ok());
  REQUIRE(Capture(MakeRequest(), {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}).ok());
  CHECK(response_.repeated());
  CHECK(store.Stored().size() == 1);
}

TEST_CASE_METHOD(Client, "Captures are counted by their way in, and what was not stored by its reason") {
  REQUIRE(Capture(MakeRequest()).ok());
  REQUIRE(Capture(MakeRequest()).ok());
  auto by_cli = MakeRequest();
  by_cli.set_idempotency_key("key-2");
  by_cli.set_source(v1::EVENT_SOURCE_CLI);
  REQUIRE(Capture(by_cli).ok());
  auto invalid = MakeRequest();
  invalid.clear_operator_id();
  REQUIRE_FALSE(Capture(invalid).ok());
  REQUIRE_FALSE(CaptureBytes("no request").ok());
  store.FailWith({ErrorCode::kResourceExhausted, "the outbox is full", "wait"});
  REQUIRE_FALSE(Capture(MakeRequest()).ok());
  CHECK(metrics.captured[EventSource::kGrpc].Value() == 1);
  CHECK(metrics.captured[EventSource::kCli].Value() == 1);
  CHECK(metrics.repeated.Value() == 1);
  CHECK(metrics.refused[ErrorCode::kInvalidArgument].Value() == 2);
  CHECK(metrics.refused[ErrorCode::kResourceExhausted].Value() == 1);
  CHECK(metrics.seconds.Read().at_most.back() == 6);
}

TEST_CASE_METHOD(Client, "A bin clear joins the lane of its cancellation") {
  v1::CaptureEventRequest request;
  request.set_operator_id("117");
  auto& body = *request.mutable_staging_bin_clear();
  body.set_staging_location_id(" A-07 ");
  body.set_clear_reason(v1::CLEAR_REASON_ORDER_CANCELLED);
  body.set_cancellation_event_id("01980000-0000-7000-8000-000000000001");
  REQUIRE(Capture(request).ok());
  const auto stored = store.Stored();
  CHECK(stored[0].lane == "bin:A-07");
  REQUIRE(stored[0].joins_lane_of);
  CHECK(stored[0].joins_lane_of->ToString() == "01980000-0000-7000-8000-000000000001");
  CHECK_FALSE(stored[0].idempotency);
}

TEST_CASE_METHOD(Client, "A repeat gives the first capture, the same key with other content is a conflict") {
  REQUIRE(Capture(MakeRequest()).ok());
  const std::string first = response_.event_id();
  REQUIRE(Capture(MakeRequest()).ok());
  CHECK(response_.repeated());
  CHECK(response_.event_id() == first);
  auto other = MakeRequest();
  other.mutable_order_cancellation()->mutable_lines(0)->set_quantity(1);
  CHECK(Capture(other).error_code() == grpc::StatusCode::ALREADY_EXISTS);
  CHECK(store.Stored().size() == 1);
}

TEST_CASE_METHOD(Client,
                 "The probe is called before the reply, the uplink is woken once for each new capture") {
  REQUIRE(Capture(MakeRequest()).ok());
  REQUIRE(Capture(MakeRequest()).ok());
  CHECK(Calls() == std::vector<std::string>{"captured", "probe", "probe"});
}

TEST_CASE_METHOD(Client, "What breaks a rule is answered with field and remedy, and not stored") {
  auto request = MakeRequest();
  request.mutable_order_cancellation()->mutable_lines(0)->set_quantity(0);
  const grpc::Status status = Capture(request);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message() == "order_cancellation.lines[0].quantity is 0; give a quantity of at least 1");
  CHECK(ErrorByPeer(status)->hint == "give a quantity of at least 1");
  CHECK(store.Stored().empty());
}

TEST_CASE_METHOD(Client, "What only a spool file may bring is refused") {
  auto request = MakeRequest();
  request.set_event_id("01980000-0000-7000-8000-000000000001");
  CHECK(Capture(request).error_message() == "event_id is the agent's to give; leave it out");
  request.clear_event_id();
  request.mutable_record_time()->set_seconds(1);
  CHECK(Capture(request).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(store.Stored().empty());
}

TEST_CASE_METHOD(Client, "Text that is not UTF-8 is answered with the field's name") {
  auto request = MakeRequest();
  request.mutable_order_cancellation()->set_note("caf\xE9");
  const grpc::Status status = CaptureBytes(request.SerializePartialAsString());
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message() == "order_cancellation.note is not valid UTF-8; send text as UTF-8");
}

TEST_CASE_METHOD(Client, "Bytes that are no request are refused") {
  const grpc::Status status = CaptureBytes("\xFF\xFF\xFF");
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(status.error_message(), Catch::StartsWith("the request is no CaptureEventRequest"));
}

TEST_CASE_METHOD(Client, "An event that is too big is refused with the figures") {
  auto request = MakeRequest();
  auto& body = *request.mutable_order_cancellation();
  while (body.lines_size() < static_cast<int>(kMaxLines)) {
    auto& line = *body.add_lines();
    line.set_line_id(std::string(kMaxIdBytes, 'l'));
    line.set_sku(std::string(kMaxIdBytes, 's'));
    line.set_quantity(1);
  }
  const grpc::Status status = Capture(request);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(status.error_message(),
             Catch::Matches("the event has 1[0-9]{5} bytes; an event may have 65536.*"));
  CHECK(store.Stored().empty());
}

TEST_CASE_METHOD(Client, "The caller learns whether a failed capture may be recorded") {
  SECTION("certainly not: no room") {
    store.FailWith({ErrorCode::kResourceExhausted, "the outbox is full", "wait"});
    const grpc::Status status = Capture(MakeRequest());
    CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    CHECK(status.error_message() == "not recorded: the outbox is full; wait");
  }
  SECTION("certainly not: stopping") {
    store.FailWith({ErrorCode::kUnavailable, "the agent is stopping", "come back"});
    CHECK(Capture(MakeRequest()).error_message() == "not recorded: the agent is stopping; come back");
  }
  SECTION("nobody knows") {
    store.FailWith({ErrorCode::kUnknown, "the disk failed", "see the log"});
    const grpc::Status status = Capture(MakeRequest());
    CHECK(status.error_code() == grpc::StatusCode::UNKNOWN);
    CHECK(status.error_message() ==
          "it may be recorded or not (the disk failed); repeat with the same idempotency_key");
  }
  SECTION("nobody knows, and there is no key") {
    store.FailWith({ErrorCode::kUnknown, "the disk failed", "see the log"});
    auto request = MakeRequest();
    request.clear_idempotency_key();
    CHECK_THAT(Capture(request).error_message(), Catch::Contains("it has no idempotency_key"));
  }
  CHECK(Calls().empty());
}

TEST_CASE_METHOD(Client, "A parked event is requeued, and the uplink told its position") {
  const auto event = *Uuid::Parse("01980000-0000-7000-8000-000000000001");
  store.SetParked(event);
  v1::RequeueEventResponse response;
  REQUIRE(Requeue(event.ToString(), response).ok());
  CHECK(response.parked_reason() == "TOO_MANY_LINES");
  CHECK(Requeue("01980000-0000-7000-8000-000000000002", response).error_code() ==
        grpc::StatusCode::NOT_FOUND);
  CHECK(Requeue("17", response).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(Calls() == std::vector<std::string>{"requeued 7"});
}

TEST_CASE_METHOD(Client, "The status tells of outbox and uplink") {
  OutboxStatus outbox;
  outbox.pending = 3;
  outbox.parked = 1;
  outbox.delivered = 40;
  outbox.lost = 2;
  outbox.oldest_pending = clock.WallNow() - std::chrono::minutes(12);
  outbox.epoch = 0xF000'0000'0000'0002;
  outbox.epoch_ordinal = 2;
  outbox.last_sequence = 46;
  outbox.used_bytes = 4096;
  outbox.max_bytes = 1 << 20;
  ParkedEvent parked;
  parked.event_id = *Uuid::Parse("01980000-0000-7000-8000-000000000001");
  parked.id = {outbox.epoch, 9};
  parked.lane = "order:100023";
  parked.reason = "TOO_MANY_LINES";
  parked.detail = "600 lines";
  parked.parked_at = clock.WallNow();
  outbox.parked_events = {parked};
  LostRange lost;
  lost.tombstone = {outbox.epoch, 4, 5, TombstoneKind::kLost, std::nullopt, std::nullopt, "restored"};
  lost.announced = true;
  outbox.lost_ranges = {lost};
  outbox.incidents = {{clock.WallNow(), "a new epoch"}};
  store.SetStatus(outbox);
  UplinkStatus uplink;
  uplink.state = UplinkState::kPushedBack;
  uplink.server = "127.0.0.1:7400";
  uplink.last_error = "pushback";
  uplink.remedy = "wait";
  uplink.last_error_time = clock.WallNow();
  uplink.next_attempt = clock.WallNow() + std::chrono::seconds(9);
  uplink.failed_attempts = 4;
  SetUplink(uplink);

  const auto status = GetStatus();
  CHECK(status.store_id() == "0042");
  CHECK(status.terminal_id() == "till-3");
  CHECK(status.agent_version() == "9.8.7");
  CHECK(status.outbox().pending() == 3);
  CHECK(status.outbox().parked() == 1);
  CHECK(status.outbox().delivered() == 40);
  CHECK(status.outbox().lost() == 2);
  CHECK(status.outbox().oldest_pending_seconds() == 720);
  CHECK(status.outbox().epoch() == outbox.epoch);
  CHECK(status.outbox().epoch_ordinal() == 2);
  CHECK(status.outbox().last_sequence() == 46);
  CHECK(status.outbox().used_bytes() == 4096);
  CHECK(status.outbox().max_bytes() == 1 << 20);
  REQUIRE(status.parked_events_size() == 1);
  CHECK(status.parked_events(0).sequence() == 9);
  CHECK(status.parked_events(0).remedy() ==
        "raise acceptance.max_lines at the centre, then: tillwire requeue "
        "01980000-0000-7000-8000-000000000001");
  REQUIRE(status.lost_ranges_size() == 1);
  CHECK(status.lost_ranges(0).first_sequence() == 4);
  CHECK(status.lost_ranges(0).cause() == "restored");
  CHECK(status.lost_ranges(0).announced());
  REQUIRE(status.incidents_size() == 1);
  CHECK(status.incidents(0).text() == "a new epoch");
  CHECK(status.connection().state() == v1::CONNECTION_STATE_PUSHED_BACK);
  CHECK(status.connection().server() == "127.0.0.1:7400");
  CHECK_FALSE(status.connection().has_connected_since());
  CHECK(status.connection().last_error() == "pushback");
  CHECK(status.connection().remedy() == "wait");
  CHECK(status.connection().has_next_attempt_time());
  CHECK(status.connection().failed_attempts() == 4);
}

TEST_CASE_METHOD(Client, "Each reason for parking has its remedy") {
  OutboxStatus outbox;
  for (const char* reason : {"TOO_MANY_LINES", "STORE_NOT_ALLOWED", "INVALID_EVENT", "HASH_MISMATCH",
                             "EVENT_ID_REUSED", "SOMETHING_NEW"}) {
    outbox.parked_events.emplace_back();
    outbox.parked_events.back().reason = reason;
  }
  store.SetStatus(outbox);
  std::vector<std::string> remedies;
  const auto status = GetStatus();
  for (const auto& parked : status.parked_events()) remedies.push_back(parked.remedy());
  REQUIRE(remedies.size() == 6);
  for (std::size_t i = 0; i < remedies.size(); ++i) {
    CHECK_FALSE(remedies[i].empty());
    CHECK(std::count(remedies.begin(), remedies.end(), remedies[i]) == 1);
  }
}

}  // namespace
}  // namespace tillwire
