#include "storage/high_water_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "platform/files.h"

namespace tillwire {
namespace {

// A slot (docs/outbox-format.md, "outbox.hwm"): magic, serial, epoch, sequence (64 bits each, big-endian),
// hash, then SHA-256 over all of that. Slots lie a sector apart, so that a torn sector harms one of them
// only.
constexpr std::string_view kMagic = "TWHWM\0\0\1";
constexpr std::size_t kMagicBytes = 8;
constexpr std::size_t kBodyBytes = kMagicBytes + 3 * 8 + 32;
constexpr std::size_t kSlotBytes = kBodyBytes + 32;
constexpr off_t kSlotStride = 4096;
constexpr int kSlots = 2;

using Slot = std::array<char, kSlotBytes>;

void PutBigEndian(char* target, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) target[i] = static_cast<char>(value >> (56 - 8 * i));
}

std::uint64_t GetBigEndian(const char* source) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | static_cast<std::uint8_t>(source[i]);
  return value;
}

Slot Encode(std::uint64_t serial, const RecordRef& mark) {
  Slot slot{};
  std::memcpy(slot.data(), kMagic.data(), kMagicBytes);
  PutBigEndian(slot.data() + kMagicBytes, serial);
  PutBigEndian(slot.data() + kMagicBytes + 8, mark.id.epoch);
  PutBigEndian(slot.data() + kMagicBytes + 16, mark.id.sequence);
  std::memcpy(slot.data() + kMagicBytes + 24, mark.hash.bytes.data(), mark.hash.bytes.size());
  const Hash checksum = Sha256({slot.data(), kBodyBytes});
  std::memcpy(slot.data() + kBodyBytes, checksum.bytes.data(), checksum.bytes.size());
  return slot;
}

struct Decoded {
  std::uint64_t serial;
  RecordRef mark;
};

std::optional<Decoded> Decode(const Slot& slot) {
  if (std::memcmp(slot.data(), kMagic.data(), kMagicBytes) != 0) return std::nullopt;
  const Hash checksum = Sha256({slot.data(), kBodyBytes});
  if (std::memcmp(slot.data() + kBodyBytes, checksum.bytes.data(), checksum.bytes.size()) != 0)
    return std::nullopt;
  Decoded decoded{GetBigEndian(slot.data() + kMagicBytes), {}};
  decoded.mark.id.epoch = GetBigEndian(slot.data() + kMagicBytes + 8);
  decoded.mark.id.sequence = GetBigEndian(slot.data() + kMagicBytes + 16);
  std::memcpy(decoded.mark.hash.bytes.data(), slot.data() + kMagicBytes + 24, decoded.mark.hash.bytes.size());
  return decoded;
}

}  // namespace

Result<std::unique_ptr<HighWaterMark>> HighWaterMark::Open(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor < 0) return FileError("open", path, errno);
  if (const int failed = posix_fallocate(descriptor, 0, kSlots * kSlotStride); failed != 0) {
    close(descriptor);
    return FileError("preallocate", path, failed);
  }
  std::optional<Decoded> newest;
  for (int i = 0; i < kSlots; ++i) {
    Slot slot{};
    if (pread(descriptor, slot.data(), slot.size(), i * kSlotStride) != static_cast<ssize_t>(slot.size()))
      continue;
    const auto decoded = Decode(slot);
    if (decoded && (!newest || decoded->serial > newest->serial)) newest = decoded;
  }
  std::optional<RecordRef> mark;
  if (newest) mark = newest->mark;
  return std::unique_ptr<HighWaterMark>(new HighWaterMark(descriptor, mark, newest ? newest->serial : 0));
}

HighWaterMark::~HighWaterMark() {
  close(descriptor_);
}

void HighWaterMark::Write(const RecordRef& mark) {
  ++serial_;
  const Slot slot = Encode(serial_, mark);
  const off_t offset = static_cast<off_t>(serial_ % kSlots) * kSlotStride;
  if (pwrite(descriptor_, slot.data(), slot.size(), offset) != static_cast<ssize_t>(slot.size()))
    write_errno_ = errno;
  dirty_ = true;
}

Result<void> HighWaterMark::Sync() {
  if (!dirty_.exchange(false)) return {};
  int failed = write_errno_.exchange(0);
  if (fdatasync(descriptor_) != 0) failed = errno;
  if (failed == 0) return {};
  dirty_ = true;
  return Error{ErrorCode::kUnavailable,
               "cannot write the high-water mark: " + std::string(std::strerror(failed)),
               "check the disk; captures go on"};
}

}  // namespace tillwire
