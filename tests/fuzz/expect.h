// What a target asserts.
#pragma once

#include <stdexcept>
#include <string>

#include "core/result.h"
#include "core/text.h"

namespace tillwire::fuzz {

// Thrown where the product did not do what it must.
class Broken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void Expect(bool holds, const std::string& what) {
  if (!holds) throw Broken(what);
}

// Of what an answer over gRPC has room for, 8 KiB, with its encoding.
inline constexpr std::size_t kMaxRefusalBytes = 2048;

// A refusal names its reason, in text that a log and an answer can carry.
inline void ExpectRefusal(const Error& error) {
  Expect(error.code != ErrorCode::kInternal, "the refusal is no fault of ours: " + error.Text());
  Expect(!error.message.empty(), "the refusal has a reason");
  Expect(Printable(error.Text()) == error.Text(), "the refusal is a line of text");
  Expect(error.Text().size() <= kMaxRefusalBytes, "the refusal does not repeat what came at length");
}

}  // namespace tillwire::fuzz
