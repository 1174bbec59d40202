#include "platform/pem_pair.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "platform/openssl_owned.h"

namespace tillwire {
namespace {

using Bytes = OpensslOwned<BIO, BIO_free>;

Bytes Reader(const std::string& text) {
  return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key is not asked for: nobody is there to answer.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return 0;
}

Error Invalid(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), ""};
}

}  // namespace

Result<void> CheckPemPair(const std::string& certificate, const std::string& key) {
  const OpensslOwned<X509, X509_free> read_certificate(
      PEM_read_bio_X509(Reader(certificate).get(), nullptr, NoPassphrase, nullptr));
  if (!read_certificate) return Invalid("the certificate can't be understood");
  const OpensslOwned<EVP_PKEY, EVP_PKEY_free> read_key(
      PEM_read_bio_PrivateKey(Reader(key).get(), nullptr, NoPassphrase, nullptr));
  if (!read_key) return Invalid("the key can't be understood, or is encrypted");
  if (X509_check_private_key(read_certificate.get(), read_key.get()) == 1) return {};
  return Invalid("the key is not the certificate's");
}

}  // namespace tillwire
