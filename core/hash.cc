#include "core/hash.h"

#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace tillwire {
namespace {

constexpr std::string_view kRecordTag = "tillwire.v1.record";
constexpr std::string_view kGenesisTag = "tillwire.v1.genesis";
constexpr std::string_view kActionTag = "tillwire.v1.action";
constexpr char kHexDigits[] = "0123456789abcdef";

[[noreturn]] void NoSha256() {
  throw std::runtime_error("SHA-256 is not available in OpenSSL");
}

// Looked up once: OpenSSL 3 takes longer to find the algorithm than to hash an event with it.
const EVP_MD* Algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) NoSha256();
  return algorithm;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Length-prefixed fields, one after the other: what is hashed.
class Fields {
 public:
  Fields() { bytes_.reserve(kUsualBytes); }

  Fields& Add(std::string_view field) {
    BigEndian(field.size(), 4);
    bytes_.append(field);
    return *this;
  }

  Fields& Add(std::uint64_t value) {
    BigEndian(8, 4);
    BigEndian(value, 8);
    return *this;
  }

  Fields& Add(const Hash& hash) { return Add(hash.AsBytes()); }

  [[nodiscard]] Hash Digest() const { return Sha256(bytes_); }

 private:
  static constexpr std::size_t kUsualBytes = 320;

  void BigEndian(std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
      bytes_.push_back(static_cast<char>(value >> (8 * (width - 1 - i))));
    }
  }

  std::string bytes_;
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
  // One for each thread, for its life: making one takes as long as a short message.
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  Hash hash;
  const bool done = context != nullptr && EVP_DigestInit_ex(context.get(), Algorithm(), nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), hash.bytes.data(), nullptr) == 1;
  if (!done) NoSha256();
  return hash;
}

Hash RecordHash(RecordId id, std::string_view lane, const std::optional<RecordRef>& lane_predecessor,
                const Hash& previous_hash, std::string_view event) {
  const RecordRef predecessor = lane_predecessor.value_or(RecordRef{});
  Fields fields;
  fields.Add(kRecordTag).Add(id.epoch).Add(id.sequence).Add(lane);
  fields.Add(predecessor.id.epoch).Add(predecessor.id.sequence).Add(predecessor.hash);
  return fields.Add(previous_hash).Add(Sha256(event)).Digest();
}

Hash GenesisHash(std::string_view store_id, std::string_view terminal_id, std::uint64_t epoch,
                 const Hash& head_of_previous_epoch) {
  Fields fields;
  fields.Add(kGenesisTag).Add(store_id).Add(terminal_id).Add(epoch);
  return fields.Add(head_of_previous_epoch).Digest();
}

Hash ActionNameHash(std::string_view store_id, std::string_view terminal_id, std::string_view key,
                    std::int64_t occur_time_micros) {
  Fields fields;
  fields.Add(kActionTag).Add(store_id).Add(terminal_id).Add(key);
  return fields.Add(static_cast<std::uint64_t>(occur_time_micros)).Digest();
}

}  // namespace tillwire
