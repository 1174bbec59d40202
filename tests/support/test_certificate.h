// A server's certificate for a test.
#pragma once

#include <filesystem>
#include <string>

namespace tillwire {

// Self-signed, of a new key, and valid from now on. Needs openssl(1); throws std::runtime_error where that
// fails.
struct TestCertificate {
  // `name` is whom it is for, as openssl's subjectAltName: "IP:127.0.0.1", "DNS:centre.test". The folder is
  // created.
  explicit TestCertificate(const std::filesystem::path& directory, const std::string& name = "IP:127.0.0.1");

  std::filesystem::path certificate;  // PEM files in the folder
  std::filesystem::path key;
};

}  // namespace tillwire
