#include "platform/pem_pair.h"

#include <catch2/catch.hpp>

#include "tests/support/process.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_certificate.h"

namespace tillwire {
namespace {

TEST_CASE("A certificate and a key belong together or not") {
  const TempDirectory directory;
  const TestCertificate one(directory.Path() / "one");
  const TestCertificate other(directory.Path() / "other");
  const std::string certificate = ReadWholeFile(one.certificate);
  const std::string key = ReadWholeFile(one.key);
  CHECK(CheckPemPair(certificate, key));
  CHECK(CheckPemPair(certificate + ReadWholeFile(other.certificate), key));  // a chain
  CHECK(CheckPemPair(certificate, ReadWholeFile(other.key)).error().message ==
        "the key is not the certificate's");
  CHECK_THAT(CheckPemPair(key, key).error().message, Catch::Contains("certificate can't be understood"));
  CHECK_THAT(CheckPemPair(certificate, certificate).error().message,
             Catch::Contains("key can't be understood"));
  CHECK_FALSE(CheckPemPair(certificate.substr(0, certificate.size() / 2), key));
  CHECK_FALSE(CheckPemPair("", ""));
}

}  // namespace
}  // namespace tillwire
