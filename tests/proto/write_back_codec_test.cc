#include "proto/write_back_codec.h"

#include <catch2/catch.hpp>

#include "tillwire/v1/ingestion.pb.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kEpoch = 0xF000'0000'0000'0001;

Hash HashOf(const std::string& text) {
  return Sha256(text);
}

template <typename Message>
Message ThereAndBack(Message message) {
  v1::WriteBackRequest wire;
  EncodeToCentre(ToCentre(std::move(message)), wire);
  v1::WriteBackRequest arrived;
  REQUIRE(arrived.ParseFromString(wire.SerializeAsString()));
  auto decoded = DecodeToCentre(std::move(arrived));
  INFO((decoded ? "" : decoded.error().Text()));
  REQUIRE(decoded.ok());
  REQUIRE(std::holds_alternative<Message>(*decoded));
  return std::get<Message>(std::move(decoded).value());
}

template <typename Message>
Message BackAgain(Message message) {
  v1::WriteBackResponse wire;
  EncodeToAgent(ToAgent(std::move(message)), wire);
  v1::WriteBackResponse arrived;
  REQUIRE(arrived.ParseFromString(wire.SerializeAsString()));
  auto decoded = DecodeToAgent(std::move(arrived));
  INFO((decoded ? "" : decoded.error().Text()));
  REQUIRE(decoded.ok());
  REQUIRE(std::holds_alternative<Message>(*decoded));
  return std::get<Message>(std::move(decoded).value());
}

Hello MakeHello() {
  Hello hello;
  hello.store_id = "0042";
  hello.terminal_id = "till-3";
  hello.instance_id.bytes.fill(7);
  hello.stream_generation = 3;
  hello.agent_version = "0.1.0";
  hello.epochs = {{kEpoch, 1, 0, std::nullopt, std::nullopt}, {5, 10, 20, HashOf("9"), HashOf("20")}};
  return hello;
}

EventBatch MakeBatch() {
  EventBatch batch;
  batch.batch_id = 8;
  batch.epoch = kEpoch;
  Record first;
  first.id = {kEpoch, 3};
  first.lane = "order:1";
  first.previous_hash = HashOf("2");
  first.hash = HashOf("3");
  first.event = std::string("\0\xFF bytes", 8);
  Record second = first;
  second.id.sequence = 5;
  second.lane_predecessor = RecordRef{{4, 9}, HashOf("9")};
  second.origin = RecordRef{{2, 1}, HashOf("1")};
  batch.records = {first, second};
  return batch;
}

Welcome MakeWelcome() {
  Welcome welcome;
  EpochState state;
  state.epoch = kEpoch;
  state.accepted = {{1, 4, HashOf("4")}, {6, 6, HashOf("6")}};
  state.parked = {{5, HashOf("5")}};
  state.tombstoned = {{7, 8, std::nullopt}, {9, 9, HashOf("9")}};
  state.backed_up_through = 3;
  state.backed_up_hash = HashOf("3");
  welcome.epochs = {state, EpochState{}};
  welcome.ledger_incarnation = "incarnation";
  welcome.limits = {16, 65536, 2, std::chrono::seconds(60)};
  welcome.server_time = FromMicros(1'780'000'000'000'000);
  return welcome;
}

TEST_CASE("Hello comes back as it went") {
  const Hello hello = ThereAndBack(MakeHello());
  CHECK(hello.store_id == "0042");
  CHECK(hello.terminal_id == "till-3");
  CHECK(hello.instance_id == MakeHello().instance_id);
  CHECK(hello.stream_generation == 3);
  CHECK(hello.agent_version == "0.1.0");
  REQUIRE(hello.epochs.size() == 2);
  CHECK(hello.epochs[0].epoch == kEpoch);
  CHECK_FALSE(hello.epochs[0].last_hash);
  CHECK(hello.epochs[1].first_retained == 10);
  CHECK(hello.epochs[1].last == 20);
  CHECK(hello.epochs[1].hash_below_first_retained == HashOf("9"));
  CHECK(hello.epochs[1].last_hash == HashOf("20"));
}

TEST_CASE("A batch comes back as it went, the event's bytes untouched") {
  const EventBatch sent = MakeBatch();
  const EventBatch batch = ThereAndBack(MakeBatch());
  CHECK(batch.batch_id == 8);
  CHECK(batch.epoch == kEpoch);
  REQUIRE(batch.records.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(batch.records[i].id == sent.records[i].id);
    CHECK(batch.records[i].lane == sent.records[i].lane);
    CHECK(batch.records[i].lane_predecessor == sent.records[i].lane_predecessor);
    CHECK(batch.records[i].previous_hash == sent.records[i].previous_hash);
    CHECK(batch.records[i].hash == sent.records[i].hash);
    CHECK(batch.records[i].event == sent.records[i].event);
    CHECK(batch.records[i].origin == sent.records[i].origin);
  }
}

TEST_CASE("A digest comes back as it went") {
  Digest sent;
  EpochDigest epoch;
  epoch.epoch = kEpoch;
  epoch.ordinal = 2;
  epoch.last = 45;
  epoch.kept_through = 40;
  epoch.last_hash = HashOf("40");
  epoch.resolved_through = 9;
  epoch.delivered = 1;
  epoch.pending = 2;
  epoch.parked = 3;
  epoch.moved = 4;
  epoch.lost = 5;
  epoch.damaged = 6;
  epoch.released = 7;
  epoch.not_in_effect = 17;
  epoch.why = "forked";
  CHECK(epoch.AddsUp());
  sent.epochs = {EpochDigest{}, epoch};
  sent.outbox_used_bytes = 1;
  sent.outbox_max_bytes = 2;
  sent.disk_free_bytes = 3;
  sent.spool_waiting = 4;
  sent.spool_bad = 5;
  sent.oldest_pending_age = std::chrono::milliseconds(0);
  sent.clock_time = FromMicros(1'780'000'000'000'000);
  sent.clock_synchronized = true;
  sent.uptime = std::chrono::milliseconds(61'001);
  const Digest got = ThereAndBack(sent);
  CHECK(got.epochs == sent.epochs);
  CHECK(got.outbox_used_bytes == 1);
  CHECK(got.outbox_max_bytes == 2);
  CHECK(got.disk_free_bytes == 3);
  CHECK(got.spool_waiting == 4);
  CHECK(got.spool_bad == 5);
  CHECK(got.oldest_pending_age == sent.oldest_pending_age);
  CHECK(got.clock_time == sent.clock_time);
  CHECK(got.clock_synchronized);
  CHECK(got.uptime == sent.uptime);
}

TEST_CASE("Counts that are one too many do not add up, not even by wrapping around") {
  EpochDigest epoch;
  epoch.last = 1;
  CHECK_FALSE(epoch.AddsUp());
  epoch.delivered = UINT64_MAX;
  epoch.pending = 2;
  CHECK_FALSE(epoch.AddsUp());
  epoch.delivered = 1;
  epoch.pending = 0;
  CHECK(epoch.AddsUp());
}

TEST_CASE("Tombstones come back as they went") {
  Tombstones sent;
  sent.batch_id = 4;
  sent.tombstones = {{kEpoch, 2, 9, TombstoneKind::kDamaged, HashOf("9"), HashOf("1"), "bit rot"},
                     {1, 1, 1, TombstoneKind::kLost, std::nullopt, std::nullopt, ""}};
  const Tombstones got = ThereAndBack(sent);
  CHECK(got.batch_id == 4);
  REQUIRE(got.tombstones.size() == 2);
  CHECK(got.tombstones[0].epoch == kEpoch);
  CHECK(got.tombstones[0].first == 2);
  CHECK(got.tombstones[0].last == 9);
  CHECK(got.tombstones[0].kind == TombstoneKind::kDamaged);
  CHECK(got.tombstones[0].last_hash == HashOf("9"));
  CHECK(got.tombstones[0].previous_hash == HashOf("1"));
  CHECK(got.tombstones[0].cause == "bit rot");
  CHECK_FALSE(got.tombstones[1].last_hash);
}

TEST_CASE("Welcome comes back as it went") {
  const Welcome welcome = BackAgain(MakeWelcome());
  CHECK(welcome.ledger_incarnation == "incarnation");
  CHECK(welcome.limits.max_batch_records == 16);
  CHECK(welcome.limits.max_batch_bytes == 65536);
  CHECK(welcome.limits.window_batches == 2);
  CHECK(welcome.limits.digest_interval == std::chrono::seconds(60));
  CHECK(welcome.server_time == MakeWelcome().server_time);
  REQUIRE(welcome.epochs.size() == 2);
  const auto& state = welcome.epochs[0];
  REQUIRE(state.accepted.size() == 2);
  CHECK(state.accepted[1].first == 6);
  CHECK(state.accepted[0].last_hash == HashOf("4"));
  REQUIRE(state.parked.size() == 1);
  CHECK(state.parked[0].sequence == 5);
  REQUIRE(state.tombstoned.size() == 2);
  CHECK_FALSE(state.tombstoned[0].last_hash);
  CHECK(state.tombstoned[1].last_hash == HashOf("9"));
  CHECK(state.backed_up_through == 3);
  CHECK(state.backed_up_hash == HashOf("3"));
}

TEST_CASE("A Welcome without limits leaves the defaults") {
  v1::WriteBackResponse wire;
  wire.mutable_welcome();
  const auto decoded = DecodeToAgent(std::move(wire));
  REQUIRE(decoded.ok());
  CHECK(std::get<Welcome>(*decoded).limits.max_batch_records == StreamLimits{}.max_batch_records);
}

TEST_CASE("Results, a new epoch and pushback come back as they went") {
  BatchResult sent;
  sent.batch_id = 9;
  sent.results = {
      {1, Disposition::kAccepted, ParkReason::kUnspecified, "", std::chrono::milliseconds(0), false},
      {2, Disposition::kParked, ParkReason::kTooManyLines, "600 lines", std::chrono::milliseconds(0), false},
      {3, Disposition::kRetry, ParkReason::kUnspecified, "", std::chrono::milliseconds(1500), true}};
  const BatchResult got = BackAgain(sent);
  CHECK(got.batch_id == 9);
  REQUIRE(got.results.size() == 3);
  CHECK(got.results[1].disposition == Disposition::kParked);
  CHECK(got.results[1].park_reason == ParkReason::kTooManyLines);
  CHECK(got.results[1].detail == "600 lines");
  CHECK(got.results[2].retry_delay == std::chrono::milliseconds(1500));
  CHECK(got.results[2].lane_held);

  const auto start = BackAgain(StartNewEpoch{kEpoch, 17});
  CHECK(start.forked_epoch == kEpoch);
  CHECK(start.fork_sequence == 17);
  CHECK(BackAgain(Pushback{std::chrono::milliseconds(2500)}).retry_after == std::chrono::milliseconds(2500));
}

std::string CentreRefuses(v1::WriteBackRequest& wire) {
  const auto decoded = DecodeToCentre(std::move(wire));
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.error().code == ErrorCode::kInvalidArgument);
  return decoded.error().message;
}

TEST_CASE("The centre names what is malformed in a batch") {
  v1::WriteBackRequest wire;
  EncodeToCentre(ToCentre(MakeBatch()), wire);
  auto& record = *wire.mutable_batch()->mutable_records(1);
  SECTION("hash") {
    record.set_hash("short");
    CHECK(CentreRefuses(wire) == "batch.records[1].hash has 5 bytes; a hash has 32");
  }
  SECTION("no previous hash") {
    record.clear_previous_hash();
    CHECK(CentreRefuses(wire) == "batch.records[1].previous_hash has 0 bytes; a hash has 32");
  }
  SECTION("predecessor's hash") {
    record.mutable_lane_predecessor()->set_hash(std::string(33, 'x'));
    CHECK(CentreRefuses(wire) == "batch.records[1].lane_predecessor.hash has 33 bytes; a hash has 32");
  }
  SECTION("origin's sequence") {
    record.mutable_origin()->set_sequence(0);
    CHECK(CentreRefuses(wire) == "batch.records[1].origin.sequence is 0; sequences count from 1");
  }
  SECTION("order") {
    record.set_sequence(3);
    CHECK(CentreRefuses(wire) == "batch.records[1].sequence does not ascend");
  }
  SECTION("the first fault is told") {
    wire.mutable_batch()->mutable_records(0)->set_sequence(0);
    record.set_hash("");
    CHECK(CentreRefuses(wire) == "batch.records[0].sequence is 0; sequences count from 1");
  }
}

TEST_CASE("The centre names what is malformed in other messages") {
  v1::WriteBackRequest wire;
  EncodeToCentre(ToCentre(MakeHello()), wire);
  SECTION("instance") {
    wire.mutable_hello()->set_instance_id("x");
    CHECK(CentreRefuses(wire) == "hello.instance_id has 1 bytes; it needs 16");
  }
  SECTION("store") {
    wire.mutable_hello()->clear_store_id();
    CHECK(CentreRefuses(wire) == "hello.store_id is empty");
  }
  SECTION("terminal") {
    wire.mutable_hello()->set_terminal_id(std::string(129, 'x'));
    CHECK(CentreRefuses(wire) == "hello.terminal_id has 129 bytes; at most 128 are allowed");
  }
  SECTION("an epoch's hash") {
    wire.mutable_hello()->mutable_epochs(1)->set_last_hash("x");
    CHECK(CentreRefuses(wire) == "hello.epochs[1].last_hash has 1 bytes; a hash has 32");
  }
  SECTION("a tombstone's range") {
    auto& tombstone = *wire.mutable_tombstones()->add_tombstones();
    tombstone.set_first_sequence(5);
    tombstone.set_last_sequence(4);
    CHECK(CentreRefuses(wire) == "tombstones.tombstones[0].last_sequence is lower than first_sequence");
  }
  SECTION("no message") {
    wire.Clear();
    CHECK(CentreRefuses(wire) == "WriteBackRequest has no message that this version knows");
  }
}

TEST_CASE("The agent names what is malformed, and takes unknown numbers for unspecified") {
  v1::WriteBackResponse wire;
  EncodeToAgent(ToAgent(MakeWelcome()), wire);
  const auto refuses = [&] {
    const auto decoded = DecodeToAgent(std::move(wire));
    REQUIRE_FALSE(decoded.ok());
    return decoded.error().message;
  };
  SECTION("overlapping ranges") {
    wire.mutable_welcome()->mutable_epochs(0)->mutable_accepted(1)->set_first_sequence(4);
    CHECK(refuses() == "welcome.epochs[0].accepted[1].first_sequence does not ascend");
  }
  SECTION("a range's hash") {
    wire.mutable_welcome()->mutable_epochs(0)->mutable_accepted(0)->clear_last_hash();
    CHECK(refuses() == "welcome.epochs[0].accepted[0].last_hash has 0 bytes; a hash has 32");
  }
  SECTION("a backup without its hash") {
    wire.mutable_welcome()->mutable_epochs(1)->set_backed_up_through(1);
    CHECK(refuses() == "welcome.epochs[1].backed_up_hash has 0 bytes; a hash has 32");
  }
  SECTION("unknown numbers") {
    auto& result = *wire.mutable_batch_result()->add_results();
    result.set_sequence(1);
    result.set_disposition(static_cast<v1::RecordDisposition>(77));
    result.set_park_reason(static_cast<v1::ParkReason>(77));
    const auto decoded = DecodeToAgent(std::move(wire));
    REQUIRE(decoded.ok());
    CHECK(std::get<BatchResult>(*decoded).results[0].disposition == Disposition::kUnspecified);
    CHECK(std::get<BatchResult>(*decoded).results[0].park_reason == ParkReason::kUnspecified);
  }
}

}  // namespace
}  // namespace tillwire
