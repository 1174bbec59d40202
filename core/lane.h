// Lanes: the unit of order. Events of one lane take effect in capture order; lanes do not wait for each
// other.
#pragma once

#include <string>

#include "core/event.h"

namespace tillwire {

// "order:ID", else "fulfillment:ID", else "bin:ID"; ASCII white space around the id is trimmed, case and
// zeros are kept. An event that names none of them has the empty lane; validation refuses it before that.
std::string LaneOf(const EventBody& body);

}  // namespace tillwire
