// A store or terminal that a caller of OperationsService asks for.
#pragma once

#include <string>

#include "core/limits.h"
#include "core/result.h"

namespace tillwire {

// kInvalidArgument names the field where the value can't be one.
inline Result<void> CheckIdFilter(const char* field, const std::string& value) {
  if (value.size() <= kMaxIdBytes) return {};
  return Error{ErrorCode::kInvalidArgument,
               std::string(field) + " has " + std::to_string(value.size()) + " bytes, the limit is " +
                   std::to_string(kMaxIdBytes),
               "name one, or leave it empty for all"};
}

}  // namespace tillwire
