#include "core/hash.h"

#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace tillwire {
namespace {

constexpr std::string_view kRecordTag = "tillwire.v1.record";
constexpr std::string_view kGenesisTag = "tillwire.v1.genesis";
constexpr char kHexDigits[] = "0123456789abcdef";

// SHA-256 over length-prefixed fields.
class FieldHasher {
 public:
  FieldHasher() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
      throw std::runtime_error("SHA-256 is not available in OpenSSL");
    }
  }

  void Raw(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

  void Field(std::string_view bytes) {
    BigEndian(bytes.size(), 4);
    Raw(bytes);
  }

  void Field(std::uint64_t value) {
    BigEndian(8, 4);
    BigEndian(value, 8);
  }

  void Field(const Hash& hash) { Field(hash.AsBytes()); }

  Hash Finish() {
    Hash hash;
    EVP_DigestFinal_ex(context_.get(), hash.bytes.data(), nullptr);
    return hash;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  void BigEndian(std::uint64_t value, std::size_t width) {
    std::array<char, 8> buffer{};
    for (std::size_t i = 0; i < width; ++i) buffer[i] = static_cast<char>(value >> (8 * (width - 1 - i)));
    Raw({buffer.data(), width});
  }

  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

std::string Hash::ToHex() const {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 0x0f]);
  }
  return text;
}

std::optional<Hash> Hash::FromBytes(std::string_view bytes) {
  Hash hash;
  if (bytes.size() != hash.bytes.size()) return std::nullopt;
  std::memcpy(hash.bytes.data(), bytes.data(), bytes.size());
  return hash;
}

Hash Sha256(std::string_view bytes) {
  FieldHasher hasher;
  hasher.Raw(bytes);
  return hasher.Finish();
}

Hash RecordHash(RecordId id, std::string_view lane, const std::optional<RecordRef>& lane_predecessor,
                const Hash& previous_hash, std::string_view event) {
  const RecordRef predecessor = lane_predecessor.value_or(RecordRef{});
  FieldHasher hasher;
  hasher.Field(kRecordTag);
  hasher.Field(id.epoch);
  hasher.Field(id.sequence);
  hasher.Field(lane);
  hasher.Field(predecessor.id.epoch);
  hasher.Field(predecessor.id.sequence);
  hasher.Field(predecessor.hash);
  hasher.Field(previous_hash);
  hasher.Field(Sha256(event));
  return hasher.Finish();
}

Hash GenesisHash(std::string_view store_id, std::string_view terminal_id, std::uint64_t epoch,
                 const Hash& head_of_previous_epoch) {
  FieldHasher hasher;
  hasher.Field(kGenesisTag);
  hasher.Field(store_id);
  hasher.Field(terminal_id);
  hasher.Field(epoch);
  hasher.Field(head_of_previous_epoch);
  return hasher.Finish();
}

}  // namespace tillwire
