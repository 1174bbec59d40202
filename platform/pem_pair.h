// Whether a certificate and a private key belong together.
#pragma once

#include <string>

#include "core/result.h"

namespace tillwire {

// Both as PEM text; of a chain the first certificate counts. kInvalidArgument says what is wrong, without a
// hint.
Result<void> CheckPemPair(const std::string& certificate, const std::string& key);

}  // namespace tillwire
