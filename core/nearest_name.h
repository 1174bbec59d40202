// "Did you mean": the known name that a mistyped one is nearest to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tillwire {

// The candidate with the fewest letters inserted, deleted or replaced, if they are at most a third of the
// longer name; else empty.
std::string NearestName(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace tillwire
