// What a target asserts.
#pragma once

#include <stdexcept>
#include <string>

#include "core/result.h"
#include "proto/utf8_check.h"

namespace tillwire::fuzz {

// Thrown where the product did not do what it must.
class Broken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void Expect(bool holds, const std::string& what) {
  if (!holds) throw Broken(what);
}

// A refusal names its reason, in text that a log and an answer can carry.
inline void ExpectRefusal(const Error& error) {
  Expect(error.code != ErrorCode::kInternal, "the refusal is no fault of ours: " + error.Text());
  Expect(!error.message.empty(), "the refusal has a reason");
  Expect(IsUtf8(error.Text()), "the refusal's text is UTF-8");
}

}  // namespace tillwire::fuzz
