// Times as people and programs read them.
#pragma once

#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <string>

namespace tillwire {

// RFC 3339 in UTC, to the millisecond or finer: "2026-03-01T09:30:00.250Z".
inline std::string TimeText(const google::protobuf::Timestamp& time) {
  return google::protobuf::util::TimeUtil::ToString(time);
}

}  // namespace tillwire
