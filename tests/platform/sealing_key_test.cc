#include "platform/sealing_key.h"

#include <catch2/catch.hpp>

#include "tests/support/process.h"
#include "tests/support/sealing_keys.h"
#include "tests/support/temp_directory.h"
#include "tests/support/test_certificate.h"

namespace tillwire {
namespace {

TEST_CASE("What the public key seals, the private key opens") {
  const TestSealingKeys& keys = TheSealingKeys();
  CHECK(keys.sealing.Fingerprint() == keys.opening.Fingerprint());
  const auto sealed = keys.sealing.Seal("a secret");
  REQUIRE(sealed);
  CHECK(sealed->size() == keys.opening.SealedBytes());
  const auto opened = keys.opening.Open(*sealed);
  REQUIRE(opened);
  CHECK(*opened == "a secret");
  CHECK(keys.opening.Open(sealed->substr(1)).error().code == ErrorCode::kDataLoss);
}

TEST_CASE("A key that does not do is refused with its reason") {
  const TestSealingKeys& keys = TheSealingKeys();
  const TempDirectory directory;
  CHECK_THAT(SealingKey::FromPem(keys.pem.private_key, "FILE").error().Text(),
             Catch::Contains("FILE holds a private key"));
  CHECK_THAT(OpeningKey::FromPem(keys.pem.public_key, "FILE").error().Text(),
             Catch::Contains("FILE holds no private key"));
  CHECK_THAT(SealingKey::FromPem("nonsense", "FILE").error().Text(), Catch::Contains("no public key"));
  CHECK_THAT(OpeningKey::FromPem("", "FILE").error().Text(), Catch::Contains("no private key"));
  CHECK_THAT(SealingKey::Load(directory.Path() / "absent").error().Text(), Catch::Contains("absent"));
  CHECK_THAT(SealingKey::Load(directory.Path()).error().Text(), Catch::Contains(directory.Path().string()));
  WriteWholeFile(directory.Path() / "big", std::string(70'000, 'a'));
  CHECK_THAT(SealingKey::Load(directory.Path() / "big").error().Text(), Catch::Contains("too big"));
}

TEST_CASE("A key that is too short, of another kind, or encrypted, is refused") {
  const TempDirectory directory;
  const auto make = [&](const std::vector<std::string>& arguments) {
    const auto path = directory.Path() / "key.pem";
    std::vector<std::string> all = {"genpkey", "-out", path.string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    REQUIRE(RunCommand("openssl", all).status.Clean());
    return OpeningKey::Load(path);
  };
  CHECK_THAT(make({"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}).error().Text(),
             Catch::Contains("2048 bits; at least 3072"));
  CHECK_THAT(make({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}).error().Text(),
             Catch::Contains("no RSA key"));
  CHECK_THAT(
      make({"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-aes256", "-pass", "pass:secret"})
          .error()
          .Text(),
      Catch::Contains("encrypted"));
}

}  // namespace
}  // namespace tillwire
