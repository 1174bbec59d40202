// tillwire-ingestd events: what arrived, as a table or as JSON, through the running service.
#pragma once

#include <cstdint>
#include <string>

namespace tillwire {

struct EventsOptions {
  std::string server = "127.0.0.1:7400";
  bool follow = false;
  bool json = false;
  std::uint64_t after = 0;
  std::uint64_t limit = 0;  // 0: none
  std::string store;
  std::string terminal;
};

// Prints to standard output; gives the exit code (cli/connection.h).
int RunEvents(const EventsOptions& options);

}  // namespace tillwire
