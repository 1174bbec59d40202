#include "proto/export_codec.h"

#include <utility>

#include "core/limits.h"
#include "proto/time_codec.h"
#include "proto/write_back_codec.h"
#include "tillwire/v1/export.pb.h"

namespace tillwire {
namespace {

constexpr const char* kRemedy = "export again with a version of tillwire that goes with this program";

Error Malformed(const std::string& what) {
  return {ErrorCode::kInvalidArgument, what, kRemedy};
}

// Epochs, batches and tombstones go the way of the stream, whose codec checks their form.

void Encode(ExportHeader&& header, v1::ExportHeader& wire) {
  wire.set_format_version(kExportFormat);
  wire.set_export_id(std::string(header.export_id.AsBytes()));
  EncodeTime(header.created_at, *wire.mutable_created_time());
  wire.set_tillwire_version(std::move(header.version));
  wire.set_records(header.records);
  wire.set_tombstones(header.tombstones);
  if (header.missing) {
    wire.mutable_missing()->set_epoch(header.missing->epoch);
    wire.mutable_missing()->set_first_sequence(header.missing->first);
    wire.mutable_missing()->set_last_sequence(header.missing->last);
  }
  Hello hello;
  hello.store_id = std::move(header.store_id);
  hello.terminal_id = std::move(header.terminal_id);
  hello.epochs = std::move(header.epochs);
  v1::WriteBackRequest stream;
  EncodeToCentre(std::move(hello), stream);
  wire.set_store_id(std::move(*stream.mutable_hello()->mutable_store_id()));
  wire.set_terminal_id(std::move(*stream.mutable_hello()->mutable_terminal_id()));
  wire.mutable_epochs()->Swap(stream.mutable_hello()->mutable_epochs());
}

void Encode(EventBatch&& batch, v1::EventBatch& wire) {
  v1::WriteBackRequest stream;
  EncodeToCentre(std::move(batch), stream);
  wire.Swap(stream.mutable_batch());
}

void Encode(ExportedTombstone&& exported, v1::ExportedTombstone& wire) {
  v1::WriteBackRequest stream;
  EncodeToCentre(Tombstones{0, {std::move(exported.tombstone)}}, stream);
  wire.mutable_tombstone()->Swap(stream.mutable_tombstones()->mutable_tombstones(0));
  if (!exported.awaits) return;
  wire.mutable_awaits()->set_epoch(exported.awaits->epoch);
  wire.mutable_awaits()->set_sequence(exported.awaits->sequence);
}

Result<ExportMessage> Decode(v1::ExportHeader& wire) {
  if (wire.format_version() > kExportFormat) {
    return Error{ErrorCode::kFailedPrecondition,
                 "its format is " + std::to_string(wire.format_version()) + ", this program knows up to " +
                     std::to_string(kExportFormat),
                 "use a newer tillwire-ingestd"};
  }
  ExportHeader header;
  const auto export_id = Uuid::FromBytes(wire.export_id());
  if (!export_id) {
    return Malformed("header.export_id has " + std::to_string(wire.export_id().size()) +
                     " bytes; it needs 16");
  }
  header.export_id = *export_id;
  const auto created = DecodeTime(wire.created_time());
  if (!created) return Malformed("header.created_time is outside the years 1 to 9999");
  header.created_at = *created;
  header.version = std::move(*wire.mutable_tillwire_version());
  header.records = wire.records();
  header.tombstones = wire.tombstones();
  if (wire.has_missing()) {
    header.missing =
        MissingRange{wire.missing().epoch(), wire.missing().first_sequence(), wire.missing().last_sequence()};
  }
  v1::WriteBackRequest stream;
  v1::Hello& hello = *stream.mutable_hello();
  hello.set_store_id(std::move(*wire.mutable_store_id()));
  hello.set_terminal_id(std::move(*wire.mutable_terminal_id()));
  hello.set_instance_id(wire.export_id());
  hello.mutable_epochs()->Swap(wire.mutable_epochs());
  auto decoded = DecodeToCentre(std::move(stream));
  if (!decoded) return decoded.error();
  auto& named = std::get<Hello>(*decoded);
  header.store_id = std::move(named.store_id);
  header.terminal_id = std::move(named.terminal_id);
  header.epochs = std::move(named.epochs);
  return ExportMessage(std::move(header));
}

Result<ExportMessage> Decode(v1::EventBatch& wire) {
  v1::WriteBackRequest stream;
  stream.mutable_batch()->Swap(&wire);
  auto decoded = DecodeToCentre(std::move(stream));
  if (!decoded) return decoded.error();
  return ExportMessage(std::move(std::get<EventBatch>(*decoded)));
}

Result<ExportMessage> Decode(v1::ExportedTombstone& wire) {
  v1::WriteBackRequest stream;
  stream.mutable_tombstones()->add_tombstones()->Swap(wire.mutable_tombstone());
  auto decoded = DecodeToCentre(std::move(stream));
  if (!decoded) return decoded.error();
  ExportedTombstone exported;
  exported.tombstone = std::move(std::get<Tombstones>(*decoded).tombstones.front());
  if (wire.has_awaits()) exported.awaits = RecordId{wire.awaits().epoch(), wire.awaits().sequence()};
  return ExportMessage(std::move(exported));
}

}  // namespace

std::string EncodeExport(ExportMessage message) {
  v1::ExportMessage wire;
  if (auto* header = std::get_if<ExportHeader>(&message)) {
    Encode(std::move(*header), *wire.mutable_header());
  } else if (auto* batch = std::get_if<EventBatch>(&message)) {
    Encode(std::move(*batch), *wire.mutable_batch());
  } else {
    Encode(std::move(std::get<ExportedTombstone>(message)), *wire.mutable_tombstone());
  }
  return wire.SerializeAsString();
}

Result<ExportMessage> DecodeExport(std::string_view bytes) {
  v1::ExportMessage wire;
  if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Malformed("a message in it is no tillwire.v1.ExportMessage");
  }
  switch (wire.message_case()) {
    case v1::ExportMessage::kHeader:
      return Decode(*wire.mutable_header());
    case v1::ExportMessage::kBatch:
      return Decode(*wire.mutable_batch());
    case v1::ExportMessage::kTombstone:
      return Decode(*wire.mutable_tombstone());
    case v1::ExportMessage::MESSAGE_NOT_SET:
      break;
  }
  return Malformed("a message in it is of a kind that this program does not know");
}

}  // namespace tillwire
