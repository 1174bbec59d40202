#include "platform/sealing_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <fstream>
#include <utility>

#include "platform/openssl_owned.h"

namespace tillwire {
namespace {

using Bio = OpensslOwned<BIO, BIO_free>;
using Key = OpensslOwned<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = OpensslOwned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

constexpr std::size_t kMaxPemBytes = 64 * 1024;

// An encrypted key is not asked for: the command may run in a script.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return 0;
}

Bio ReaderOf(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string TextOf(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Error NoKey(const std::string& name, const std::string& why) {
  return {ErrorCode::kInvalidArgument, name + " " + why,
          "make a pair with: tillwire-ingestd export-key create"};
}

Error LibraryFailed(const std::string& what) {
  return {ErrorCode::kInternal, "OpenSSL can't " + what, "look at the installation of OpenSSL"};
}

Result<std::string> ReadPem(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxPemBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return Error{ErrorCode::kUnavailable, "key file " + path.string() + " can't be read",
                 "check the path and who may read it"};
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxPemBytes) return NoKey(path.string(), "is too big for a key");
  return text;
}

Result<Hash> FingerprintOf(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return LibraryFailed("encode a public key");
  const Hash fingerprint = Sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return fingerprint;
}

// RSA's way of padding: OAEP, with SHA-256 for its label and its mask.
bool SetPadding(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

const unsigned char* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* Unsigned(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace

// Either half.
class SealingKey::Impl {
 public:
  static Result<std::shared_ptr<const Impl>> Make(Key key, const std::string& name) {
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
      return NoKey(name, "holds no RSA key; export files are sealed with RSA");
    }
    if (const int bits = EVP_PKEY_get_bits(key.get()); bits < kLeastSealingKeyBits) {
      return NoKey(name, "holds an RSA key of " + std::to_string(bits) + " bits; at least " +
                             std::to_string(kLeastSealingKeyBits) + " are needed");
    }
    const auto fingerprint = FingerprintOf(key.get());
    if (!fingerprint) return fingerprint.error();
    return std::shared_ptr<const Impl>(new Impl(std::move(key), *fingerprint));
  }

  [[nodiscard]] const Hash& Fingerprint() const { return fingerprint_; }
  [[nodiscard]] std::size_t SealedBytes() const {
    return static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
  }

  [[nodiscard]] Result<std::string> Seal(std::string_view secret) const {
    const KeyContext context(EVP_PKEY_CTX_new(key_.get(), nullptr));
    std::string sealed(SealedBytes(), '\0');
    std::size_t size = sealed.size();
    if (!context || EVP_PKEY_encrypt_init(context.get()) <= 0 || !SetPadding(context.get()) ||
        EVP_PKEY_encrypt(context.get(), Unsigned(sealed), &size, Unsigned(secret), secret.size()) <= 0) {
      return LibraryFailed("seal a key with RSA");
    }
    sealed.resize(size);
    return sealed;
  }

  [[nodiscard]] Result<std::string> Open(std::string_view sealed) const {
    const KeyContext context(EVP_PKEY_CTX_new(key_.get(), nullptr));
    std::string secret(SealedBytes(), '\0');
    std::size_t size = secret.size();
    if (!context || EVP_PKEY_decrypt_init(context.get()) <= 0 || !SetPadding(context.get()) ||
        EVP_PKEY_decrypt(context.get(), Unsigned(secret), &size, Unsigned(sealed), sealed.size()) <= 0) {
      return Error{ErrorCode::kDataLoss, "it was not sealed for this key, or was altered since", ""};
    }
    secret.resize(size);
    return secret;
  }

 private:
  Impl(Key key, const Hash& fingerprint) : key_(std::move(key)), fingerprint_(fingerprint) {}

  const Key key_;
  const Hash fingerprint_;
};

Result<SealingKeyPem> MakeSealingKeys() {
  const Key key(EVP_RSA_gen(kLeastSealingKeyBits));
  const Bio private_key(BIO_new(BIO_s_mem()));
  const Bio public_key(BIO_new(BIO_s_mem()));
  if (!key || !private_key || !public_key ||
      PEM_write_bio_PKCS8PrivateKey(private_key.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_PUBKEY(public_key.get(), key.get()) != 1) {
    return LibraryFailed("make a pair of keys");
  }
  return SealingKeyPem{TextOf(private_key), TextOf(public_key)};
}

Result<SealingKey> SealingKey::Load(const std::filesystem::path& path) {
  const auto pem = ReadPem(path);
  if (!pem) return pem.error();
  return FromPem(*pem, path.string());
}

Result<SealingKey> SealingKey::FromPem(const std::string& pem, const std::string& name) {
  if (pem.find("PRIVATE KEY-----") != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument, name + " holds a private key",
                 "give the public one; the private key must not leave the centre"};
  }
  Key key(PEM_read_bio_PUBKEY(ReaderOf(pem).get(), nullptr, NoPassphrase, nullptr));
  if (!key) return NoKey(name, "holds no public key in PEM (-----BEGIN PUBLIC KEY-----)");
  auto impl = Impl::Make(std::move(key), name);
  if (!impl) return impl.error();
  return SealingKey(*impl);
}

const Hash& SealingKey::Fingerprint() const {
  return impl_->Fingerprint();
}

Result<std::string> SealingKey::Seal(std::string_view secret) const {
  return impl_->Seal(secret);
}

Result<OpeningKey> OpeningKey::Load(const std::filesystem::path& path) {
  const auto pem = ReadPem(path);
  if (!pem) return pem.error();
  return FromPem(*pem, path.string());
}

Result<OpeningKey> OpeningKey::FromPem(const std::string& pem, const std::string& name) {
  Key key(PEM_read_bio_PrivateKey(ReaderOf(pem).get(), nullptr, NoPassphrase, nullptr));
  if (!key) return NoKey(name, "holds no private key in PEM, or an encrypted one");
  auto impl = SealingKey::Impl::Make(std::move(key), name);
  if (!impl) return impl.error();
  return OpeningKey(*impl);
}

const Hash& OpeningKey::Fingerprint() const {
  return impl_->Fingerprint();
}

std::size_t OpeningKey::SealedBytes() const {
  return impl_->SealedBytes();
}

Result<std::string> OpeningKey::Open(std::string_view sealed) const {
  return impl_->Open(sealed);
}

}  // namespace tillwire
