#include "tests/support/test_certificate.h"

#include <stdexcept>

#include "tests/support/process.h"

namespace tillwire {

TestCertificate::TestCertificate(const std::filesystem::path& directory, const std::string& name)
    : certificate(directory / "server.crt"), key(directory / "server.key") {
  std::filesystem::create_directories(directory);
  const CommandOutcome made =
      RunCommand("openssl", {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                             "-keyout", key.string(), "-out", certificate.string(), "-days", "30", "-subj",
                             "/CN=a test", "-addext", "subjectAltName=" + name});
  if (!made.status.Clean()) throw std::runtime_error("openssl failed: " + made.errors);
}

}  // namespace tillwire
