// A file of messages that only the holder of one private key can read, and in which every altered, missing or
// added byte is found. docs/export-format.md describes it.
//
// A random key seals it in chunks (AES-256-GCM); each chunk is bound to its number, to the head of the file,
// and to whether it is the last. The random key is sealed with the reader's public key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "platform/sealing_key.h"

namespace tillwire {

inline constexpr std::size_t kMaxSealedMessageBytes = 1024 * 1024;
// Of a chunk before it is sealed; every chunk but the last has so many.
inline constexpr std::size_t kSealedChunkBytes = 64 * 1024;

// Used by one thread.
class SealedFileWriter {
 public:
  // Begins a file that appears under its name, with mode 0600, by Finish() alone (platform/new_file.h).
  static Result<std::unique_ptr<SealedFileWriter>> Create(const std::filesystem::path& path,
                                                          const SealingKey& key);
  // Leaves nothing behind where Finish() was not called, or failed.
  ~SealedFileWriter();
  SealedFileWriter(const SealedFileWriter&) = delete;
  SealedFileWriter& operator=(const SealedFileWriter&) = delete;

  // At most kMaxSealedMessageBytes, else kInvalidArgument.
  Result<void> Write(std::string_view message);
  // The file is whole, synced and named when this returns.
  Result<void> Finish();
  // Written so far; after Finish() the file's size.
  [[nodiscard]] std::uint64_t Bytes() const;

 private:
  class Impl;
  explicit SealedFileWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Used by one thread. Holds one chunk and one message in memory.
class SealedFileReader {
 public:
  // kInvalidArgument: sealed for another key; kFailedPrecondition: a newer format;
  // kDataLoss: damaged; kUnavailable: can't be read. The message names the file.
  static Result<std::unique_ptr<SealedFileReader>> Open(const std::filesystem::path& path,
                                                        const OpeningKey& key);
  ~SealedFileReader();
  SealedFileReader(const SealedFileReader&) = delete;
  SealedFileReader& operator=(const SealedFileReader&) = delete;

  // The next message, which is authentic; nothing at the end, when it is certain that nothing is missing.
  // kDataLoss: altered or cut off. What was read before is authentic, but may not be all.
  Result<std::optional<std::string>> Read();

 private:
  class Impl;
  explicit SealedFileReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
