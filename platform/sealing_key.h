// The centre's pair of keys for export files: what is sealed with the public one, only the private one opens.
// RSA of at least 3,072 bits, used with OAEP and SHA-256.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/hash.h"
#include "core/result.h"

namespace tillwire {

inline constexpr int kLeastSealingKeyBits = 3072;

// Both as PEM: PKCS #8, unencrypted, and SubjectPublicKeyInfo.
struct SealingKeyPem {
  std::string private_key;
  std::string public_key;
};

// Takes some tenths of a second. kInternal if the library has no randomness.
Result<SealingKeyPem> MakeSealingKeys();

// The public half. Copies share the key; any thread may use it.
class SealingKey {
 public:
  // kInvalidArgument says why the file holds no such key; kUnavailable that it can't be read.
  static Result<SealingKey> Load(const std::filesystem::path& path);
  static Result<SealingKey> FromPem(const std::string& pem, const std::string& name);

  // SHA-256 of the public key as SubjectPublicKeyInfo in DER. The same for both halves.
  [[nodiscard]] const Hash& Fingerprint() const;
  // Seals up to 256 bytes.
  [[nodiscard]] Result<std::string> Seal(std::string_view secret) const;

 private:
  friend class OpeningKey;
  class Impl;
  explicit SealingKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// The private half. Copies share the key; any thread may use it.
class OpeningKey {
 public:
  // As of SealingKey; a key that is encrypted is refused.
  static Result<OpeningKey> Load(const std::filesystem::path& path);
  static Result<OpeningKey> FromPem(const std::string& pem, const std::string& name);

  [[nodiscard]] const Hash& Fingerprint() const;
  // How many bytes Seal() makes, whatever it seals.
  [[nodiscard]] std::size_t SealedBytes() const;
  // kDataLoss if it was not sealed for this key, or was altered since.
  [[nodiscard]] Result<std::string> Open(std::string_view sealed) const;

 private:
  explicit OpeningKey(std::shared_ptr<const SealingKey::Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const SealingKey::Impl> impl_;
};

}  // namespace tillwire
