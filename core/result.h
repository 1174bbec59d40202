// Expected outcomes as values. Exceptions are for faults only (a broken disk, a broken invariant).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tillwire {

// What kind of failure it was; callers decide by it. The names follow gRPC's canonical codes.
enum class ErrorCode {
  kInvalidArgument,     // the input is at fault; the message names the field and the remedy
  kNotFound,            // nothing of that name here
  kAlreadyExists,       // the name is taken by something else
  kFailedPrecondition,  // not in the present state
  kResourceExhausted,   // no room; nothing was recorded
  kUnavailable,         // not now; nothing was recorded
  kUnknown,             // may have happened or not; repeat with the same key
  kDataLoss,            // stored data is damaged
  kInternal,            // a fault of ours
};

// The code as an upper-case word, for logs and JSON.
const char* ErrorCodeName(ErrorCode code);

// What happened, to what, and what to do about it.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // what happened and to what
  std::string hint;     // what the reader can do; may be empty

  // "message; hint"
  [[nodiscard]] std::string Text() const { return hint.empty() ? message : message + "; " + hint; }
};

// A T, or the Error that stood in its way.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Only if ok(); otherwise std::bad_variant_access.
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Only if not ok().
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const { return error_.value(); }

 private:
  std::optional<Error> error_;
};

}  // namespace tillwire
