#include "ingest/import/export_reader.h"

#include <string>
#include <variant>

#include "proto/export_codec.h"

namespace tillwire {
namespace {

Error About(const std::filesystem::path& path, const Error& error) {
  return {error.code, path.string() + ": " + error.message, error.hint};
}

Error NotAsItMust(const std::filesystem::path& path, const std::string& what) {
  return About(path, {ErrorCode::kInvalidArgument, what,
                      "export again with a version of tillwire that goes with this program"});
}

Result<std::optional<ExportMessage>> ReadMessage(SealedFileReader& file, const std::filesystem::path& path) {
  auto bytes = file.Read();
  if (!bytes) return bytes.error();
  if (!bytes->has_value()) return std::optional<ExportMessage>();
  auto message = DecodeExport(**bytes);
  if (!message) return About(path, message.error());
  return std::optional<ExportMessage>(std::move(*message));
}

}  // namespace

Result<ExportReader> ExportReader::Open(const std::filesystem::path& path, const OpeningKey& key) {
  auto file = SealedFileReader::Open(path, key);
  if (!file) return file.error();
  auto first = ReadMessage(**file, path);
  if (!first) return first.error();
  auto* header = first->has_value() ? std::get_if<ExportHeader>(&**first) : nullptr;
  if (header == nullptr) return NotAsItMust(path, "it does not begin with a header");
  return ExportReader(path, std::move(*file), std::move(*header));
}

Result<void> ExportReader::Count(const ExportMessage& message) {
  if (std::holds_alternative<ExportHeader>(message)) return NotAsItMust(path_, "it has a second header");
  if (const auto* batch = std::get_if<EventBatch>(&message)) {
    records_ += batch->records.size();
  } else {
    ++tombstones_;
  }
  return {};
}

Result<std::optional<ExportMessage>> ExportReader::Next() {
  auto message = ReadMessage(*file_, path_);
  if (!message) return message;
  if (message->has_value()) {
    if (auto counted = Count(**message); !counted) return counted.error();
  } else if (records_ != header_.records || tombstones_ != header_.tombstones) {
    return NotAsItMust(path_, "it holds " + std::to_string(records_) + " events and " +
                                  std::to_string(tombstones_) + " tombstones, its header says " +
                                  std::to_string(header_.records) + " and " +
                                  std::to_string(header_.tombstones));
  }
  return message;
}

Result<ExportHeader> CheckExport(const std::filesystem::path& path, const OpeningKey& key) {
  auto reader = ExportReader::Open(path, key);
  if (!reader) return reader.error();
  while (true) {
    const auto message = reader->Next();
    if (!message) return message.error();
    if (!message->has_value()) return reader->Header();
  }
}

}  // namespace tillwire
