// How tillwire ends; scripts go by it, so the numbers are part of the product's interface.
#pragma once

#include "core/result.h"

namespace tillwire {

enum class ExitCode {
  kDone = 0,
  kRefused = 1,      // refused, or not found
  kBadInput = 2,     // the input is at fault; nothing was sent, or the agent named the field
  kNotRecorded = 3,  // the agent can't be reached or can't store; nothing happened
  kUnknown = 4,      // it may have happened or not; repeat with the same key
};

// Of tillwire verify alone: the outbox was checked, and is damaged.
inline constexpr int kDamagedExit = 5;

// What main() returns.
constexpr int Code(ExitCode code) {
  return static_cast<int>(code);
}

inline ExitCode ExitCodeFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kBadInput;
    case ErrorCode::kNotFound:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kFailedPrecondition:
      return ExitCode::kRefused;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kDataLoss:
    case ErrorCode::kInternal:
      return ExitCode::kNotRecorded;
    case ErrorCode::kUnknown:
      return ExitCode::kUnknown;
  }
  return ExitCode::kUnknown;
}

}  // namespace tillwire
