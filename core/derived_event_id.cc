#include "core/derived_event_id.h"

#include <algorithm>

#include "core/hash.h"

namespace tillwire {

Uuid DerivedEventId(std::string_view store_id, std::string_view terminal_id, std::string_view key,
                    WallTime occur_time) {
  const Hash name = ActionNameHash(store_id, terminal_id, key, ToMicros(occur_time));
  Uuid uuid;
  std::copy_n(name.bytes.begin(), uuid.bytes.size(), uuid.bytes.begin());
  uuid.PutMillis(occur_time);
  uuid.PutVersion(8);
  return uuid;
}

}  // namespace tillwire
