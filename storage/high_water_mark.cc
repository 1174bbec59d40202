#include "storage/high_water_mark.h"

#include <array>
#include <cstring>
#include <string_view>

#include "core/limits.h"

namespace tillwire {
namespace {

// A slot (docs/outbox-format.md, "outbox.hwm"): magic, serial, epoch, sequence (64 bits each, big-endian),
// hash, then SHA-256 over all of that. Slots lie a sector apart, so that a torn sector harms one of them
// only.
constexpr std::string_view kMagic = "TWHWM\0\0\1";
constexpr std::size_t kMagicBytes = 8;
constexpr std::size_t kBodyBytes = kMagicBytes + 3 * 8 + 32;
constexpr std::size_t kSlotBytes = kBodyBytes + 32;
constexpr std::size_t kSlotStride = 4096;
constexpr std::size_t kSlots = 2;
constexpr std::size_t kFileBytes = kSlots * kSlotStride;

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
  if (decoded.mark.id.sequence > kMaxSequence) return std::nullopt;
  std::memcpy(decoded.mark.hash.bytes.data(), slot.data() + kMagicBytes + 24, decoded.mark.hash.bytes.size());
  return decoded;
}

}  // namespace

Result<std::unique_ptr<HighWaterMark>> HighWaterMark::Open(const std::filesystem::path& path,
                                                           const std::string& vfs) {
  auto opened = VfsFile::Open(path, vfs);
  if (!opened) return opened.error();
  VfsFile& file = **opened;
  auto content = file.Read(0, kFileBytes);
  if (!content) return content.error();
  if (content->size() < kFileBytes) {
    // Its place on the disk is taken now, so that a disk that fills up does not end the marks.
    if (auto written = file.Write(content->size(), std::string(kFileBytes - content->size(), '\0')); !written)
      return written.error();
    if (auto synced = file.Sync(); !synced) return synced.error();
    content->resize(kFileBytes, '\0');
  }
  std::optional<Decoded> newest;
  for (std::size_t i = 0; i < kSlots; ++i) {
    Slot slot{};
    std::memcpy(slot.data(), content->data() + i * kSlotStride, slot.size());
    const auto decoded = Decode(slot);
    if (decoded && (!newest || decoded->serial > newest->serial)) newest = decoded;
  }
  std::optional<RecordRef> mark;
  if (newest) mark = newest->mark;
  return std::unique_ptr<HighWaterMark>(
      new HighWaterMark(std::move(*opened), mark, newest ? newest->serial : 0));
}

void HighWaterMark::Write(const RecordRef& mark) {
  const std::lock_guard lock(mutex_);
  ++serial_;
  newest_ = mark;
  WriteNewest();
  dirty_ = true;
}

void HighWaterMark::WriteNewest() {
  const Slot slot = Encode(serial_, newest_);
  const auto written = file_->Write(serial_ % kSlots * kSlotStride, {slot.data(), slot.size()});
  if (!written) write_failure_ = written.error();
}

Result<void> HighWaterMark::Sync() {
  if (!dirty_.exchange(false)) return {};
  std::optional<Error> failure;
  {
    const std::lock_guard lock(mutex_);
    if (sync_failed_) WriteNewest();
    failure = std::exchange(write_failure_, std::nullopt);
  }
  const auto synced = file_->Sync();
  if (!synced) failure = synced.error();
  {
    const std::lock_guard lock(mutex_);
    sync_failed_ = !synced.ok();
  }
  if (!failure) return {};
  dirty_ = true;
  return Error{ErrorCode::kUnavailable, "high-water mark: " + failure->message,
               "check the disk; captures go on"};
}

}  // namespace tillwire
