// Reads an export file (docs/export-format.md): authentic messages in their order, or why not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "core/export_file.h"
#include "core/result.h"
#include "platform/sealed_file.h"

namespace tillwire {

// Used by one thread.
class ExportReader {
 public:
  // Errors of all functions name the file. As SealedFileReader::Open(); kInvalidArgument and
  // kFailedPrecondition also where the header is not as it must be, or is of a newer format.
  static Result<ExportReader> Open(const std::filesystem::path& path, const OpeningKey& key);

  [[nodiscard]] const ExportHeader& Header() const { return header_; }
  // The next batch or tombstone; nothing at the end, when it is certain that nothing is missing.
  Result<std::optional<ExportMessage>> Next();

 private:
  ExportReader(std::filesystem::path path, std::unique_ptr<SealedFileReader> file, ExportHeader header)
      : path_(std::move(path)), file_(std::move(file)), header_(std::move(header)) {}

  Result<void> Count(const ExportMessage& message);

  std::filesystem::path path_;
  std::unique_ptr<SealedFileReader> file_;
  ExportHeader header_;
  std::uint64_t records_ = 0;
  std::uint64_t tombstones_ = 0;
};

// Reads all of a file, so that what is found wrong is found before anything is taken in. Gives its header.
Result<ExportHeader> CheckExport(const std::filesystem::path& path, const OpeningKey& key);

}  // namespace tillwire
