#include "proto/export_codec.h"

#include <catch2/catch.hpp>

#include "tillwire/v1/export.pb.h"

namespace tillwire {
namespace {

Hash HashOf(std::uint8_t byte) {
  Hash hash;
  hash.bytes.fill(byte);
  return hash;
}

template <typename Message>
Message Again(const Message& message) {
  const auto decoded = DecodeExport(EncodeExport(message));
  INFO((decoded ? std::string() : decoded.error().Text()));
  REQUIRE(decoded);
  REQUIRE(std::holds_alternative<Message>(*decoded));
  return std::get<Message>(*decoded);
}

TEST_CASE("An export's header is read as it was written") {
  ExportHeader header;
  header.export_id.bytes[3] = 9;
  header.store_id = "0042";
  header.terminal_id = "till-3";
  header.created_at = FromMicros(1'780'000'000'123'456);
  header.version = "1.2.3";
  header.records = 5;
  header.tombstones = 6;
  header.epochs = {{7, 2, 9, HashOf(1), HashOf(2)}, {UINT64_MAX, 1, 0, std::nullopt, std::nullopt}};
  header.missing = MissingRange{7, 10, 12};
  const ExportHeader read = Again(header);
  CHECK(read.export_id == header.export_id);
  CHECK(read.store_id == "0042");
  CHECK(read.terminal_id == "till-3");
  CHECK(read.created_at == header.created_at);
  CHECK(read.version == "1.2.3");
  CHECK(read.records == 5);
  CHECK(read.tombstones == 6);
  REQUIRE(read.epochs.size() == 2);
  CHECK(read.epochs[0].epoch == 7);
  CHECK(read.epochs[0].first_retained == 2);
  CHECK(read.epochs[0].last == 9);
  CHECK(read.epochs[0].hash_below_first_retained == HashOf(1));
  CHECK(read.epochs[1].epoch == UINT64_MAX);
  CHECK_FALSE(read.epochs[1].last_hash);
  REQUIRE(read.missing);
  CHECK(read.missing->epoch == 7);
  CHECK(read.missing->first == 10);
  CHECK(read.missing->last == 12);
}

TEST_CASE("Batches and tombstones in an export are read as they were written") {
  Record record;
  record.id = {7, 3};
  record.lane = "order:1";
  record.lane_predecessor = RecordRef{{6, 2}, HashOf(1)};
  record.previous_hash = HashOf(2);
  record.hash = HashOf(3);
  record.event = std::string("any bytes\0\xff", 11);
  record.origin = RecordRef{{5, 1}, HashOf(4)};
  const EventBatch batch = Again(EventBatch{2, 7, {record}});
  CHECK(batch.epoch == 7);
  REQUIRE(batch.records.size() == 1);
  CHECK(batch.records[0].id == record.id);
  CHECK(batch.records[0].lane_predecessor == record.lane_predecessor);
  CHECK(batch.records[0].event == record.event);
  CHECK(batch.records[0].origin == record.origin);

  const Tombstone tombstone{7, 4, 6, TombstoneKind::kReleased, HashOf(5), std::nullopt, "why"};
  const ExportedTombstone free = Again(ExportedTombstone{tombstone, std::nullopt});
  CHECK_FALSE(free.awaits);
  CHECK(free.tombstone.first == 4);
  CHECK(free.tombstone.last == 6);
  CHECK(free.tombstone.kind == TombstoneKind::kReleased);
  CHECK(free.tombstone.last_hash == HashOf(5));
  CHECK_FALSE(free.tombstone.previous_hash);
  CHECK(free.tombstone.cause == "why");
  CHECK(Again(ExportedTombstone{tombstone, RecordId{6, 2}}).awaits == RecordId{6, 2});
}

TEST_CASE("What is no message of an export is refused, with the field") {
  v1::ExportMessage wire;
  const auto refusal = [&] {
    const auto decoded = DecodeExport(wire.SerializeAsString());
    REQUIRE_FALSE(decoded);
    return decoded.error();
  };
  CHECK_THAT(refusal().message, Catch::Contains("a kind that this program does not know"));
  CHECK_FALSE(DecodeExport("no message"));

  v1::ExportHeader& header = *wire.mutable_header();
  header.set_format_version(1);
  header.set_export_id("short");
  CHECK_THAT(refusal().message, Catch::Contains("header.export_id has 5 bytes"));
  header.set_export_id(std::string(16, 'x'));
  CHECK_THAT(refusal().message, Catch::Contains("store_id is empty"));
  header.set_store_id("0042");
  header.set_terminal_id("till-3");
  CHECK(DecodeExport(wire.SerializeAsString()));
  header.set_format_version(2);
  CHECK(refusal().code == ErrorCode::kFailedPrecondition);
  CHECK_THAT(refusal().message, Catch::Contains("its format is 2, this program knows up to 1"));

  wire.mutable_batch()->add_records()->set_hash("short");
  CHECK_THAT(refusal().message, Catch::Contains("batch.records[0]"));
  wire.mutable_tombstone()->mutable_tombstone()->set_last_sequence(1);
  CHECK_THAT(refusal().message, Catch::Contains("tombstones[0].first_sequence"));
}

}  // namespace
}  // namespace tillwire
