// How the spool is, for GetAgentStatus.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/clock.h"
#include "platform/spool_folder.h"

namespace tillwire {

struct SpoolStatus {
  std::uint64_t waiting = 0;               // files in new/
  std::optional<WallTime> oldest_waiting;  // when the first of them was written
  BadFiles bad;                            // the first of them, and how many
  bool holding_captures = false;           // captures over the socket wait for files
  std::string last_problem;                // why files wait; empty where none do
  std::filesystem::path directory{};       // of the spool
};

}  // namespace tillwire
