// Pairs of keys for export files. Making one takes a while, so a test program makes each once.
#pragma once

#include "platform/sealing_key.h"

namespace tillwire {

struct TestSealingKeys {
  SealingKeyPem pem = MakeSealingKeys().value();
  SealingKey sealing = SealingKey::FromPem(pem.public_key, "the public key").value();
  OpeningKey opening = OpeningKey::FromPem(pem.private_key, "the private key").value();
};

inline const TestSealingKeys& TheSealingKeys() {
  static const TestSealingKeys keys;
  return keys;
}

}  // namespace tillwire
