// Digests and OperationsService.ListTerminals, over gRPC.
#include "core/limits.h"
#include "tests/ingest/service_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

v1::ListTerminalsResponse List(const ServiceRig& rig, const v1::ListTerminalsRequest& request = {}) {
  grpc::ClientContext context;
  v1::ListTerminalsResponse response;
  const auto status =
      v1::OperationsService::NewStub(rig.NewChannel())->ListTerminals(&context, request, &response);
  INFO(status.error_message());
  CHECK(status.ok());
  return response;
}

grpc::Status Refusal(const ServiceRig& rig, const v1::ListTerminalsRequest& request) {
  grpc::ClientContext context;
  v1::ListTerminalsResponse response;
  return v1::OperationsService::NewStub(rig.NewChannel())->ListTerminals(&context, request, &response);
}

Digest OneEpoch(std::uint64_t last, std::uint64_t delivered) {
  Digest digest;
  EpochDigest& epoch = digest.epochs.emplace_back();
  epoch.epoch = 7;
  epoch.ordinal = 1;
  epoch.last = epoch.kept_through = last;
  epoch.resolved_through = epoch.delivered = delivered;
  epoch.pending = last - delivered;
  return digest;
}

TEST_CASE("A digest is compared with the ledger, and shown") {
  ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(3);
  AgentStream stream(rig);
  stream.SayHello(MakeHello());
  stream.Send(chain.Batch(1, 2));
  stream.Expect<BatchResult>();
  Digest digest = OneEpoch(3, 2);
  digest.clock_time = rig.Clock().WallNow() - 2s;
  stream.Send(digest);
  v1::ListTerminalsResponse listed;
  REQUIRE(WaitUntil(30s, [&] {
    listed = List(rig);
    return listed.terminals_size() == 1 && listed.terminals(0).has_digest();
  }));
  const v1::Terminal& terminal = listed.terminals(0);
  CHECK(terminal.store_id() == kTerminal.store_id);
  CHECK(terminal.terminal_id() == kTerminal.terminal_id);
  CHECK(terminal.connected_instances() == 1);
  CHECK(terminal.agent_version() == "test");
  CHECK(terminal.clock_skew().seconds() == -2);
  CHECK(terminal.flags_size() == 0);
  REQUIRE(terminal.epochs_size() == 1);
  CHECK(terminal.epochs(0).digest().pending() == 1);
  CHECK(terminal.epochs(0).missing() == 1);
  CHECK(terminal.epochs(0).missing_ranges(0).first_sequence() == 3);

  // The last event comes after the last digest: when the stream ends, nothing is missing any more.
  stream.Send(chain.Batch(3, 3));
  stream.Expect<BatchResult>();
  stream.DoneSending();
  CHECK(stream.End().ok());
  REQUIRE(WaitUntil(30s, [&] {
    listed = List(rig);
    return listed.terminals(0).connected_instances() == 0 && listed.terminals(0).epochs(0).missing() == 0;
  }));
}

TEST_CASE("A digest needs a Hello, and keeps to its limits") {
  ServiceRig rig;
  AgentStream early(rig);
  early.Send(OneEpoch(1, 1));
  CHECK(early.End().error_code() == grpc::StatusCode::INVALID_ARGUMENT);

  AgentStream wordy(rig);
  wordy.SayHello(MakeHello());
  Digest digest = OneEpoch(1, 1);
  digest.epochs[0].why = std::string(kMaxReasonBytes + 1, 'x');
  wordy.Send(digest);
  const grpc::Status refused = wordy.End();
  CHECK(refused.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(refused.error_message(), Catch::Contains("why an epoch began has 513 bytes"));
}

TEST_CASE("A conflict is a fork, which the list shows") {
  ServiceRig rig;
  Chain chain(7);
  chain.CaptureMany(1);
  Chain copy = chain;
  chain.Capture("A-9");
  copy.Capture("B-9");
  AgentStream stream(rig);
  stream.SayHello(MakeHello());
  stream.Send(chain.Batch(1, 2));
  stream.Expect<BatchResult>();
  stream.Send(copy.Batch(2, 2));
  CHECK(stream.Expect<BatchResult>().results.at(0).disposition == Disposition::kConflict);
  const auto listed = List(rig);
  REQUIRE(listed.terminals(0).flags_size() == 1);
  CHECK(listed.terminals(0).flags(0).flag() == v1::TERMINAL_FLAG_DUPLICATE);
  CHECK_THAT(listed.terminals(0).flags(0).detail(), Catch::StartsWith("its history forked at sequence 2"));
  CHECK_FALSE(listed.terminals(0).flags(0).remedy().empty());
}

TEST_CASE("Terminals are given in pages") {
  ServiceRig rig;
  std::vector<std::unique_ptr<AgentStream>> streams;
  for (const char* terminal : {"T1", "T2", "T3"}) {
    streams.push_back(std::make_unique<AgentStream>(rig));
    streams.back()->SayHello(MakeHello(1, 1, {"S:01", terminal}));
  }
  v1::ListTerminalsRequest request;
  request.set_page_size(2);
  const auto first = List(rig, request);
  CHECK(first.terminals_size() == 2);
  CHECK(first.total_size() == 3);
  request.set_page_token(first.next_page_token());
  const auto second = List(rig, request);
  REQUIRE(second.terminals_size() == 1);
  CHECK(second.terminals(0).terminal_id() == "T3");
  CHECK(second.next_page_token().empty());

  request.set_page_token("8:99:S");
  CHECK_THAT(Refusal(rig, request).error_message(), Catch::Contains("page_token"));
  request.clear_page_token();
  request.set_store_id(std::string(kMaxIdBytes + 1, 'S'));
  CHECK_THAT(Refusal(rig, request).error_message(), Catch::Contains("store_id"));
  request.clear_store_id();
  request.set_flag(static_cast<v1::TerminalFlag>(99));
  CHECK_THAT(Refusal(rig, request).error_message(), Catch::Contains("flag"));
}

}  // namespace
}  // namespace tillwire
