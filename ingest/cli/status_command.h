// tillwire-ingestd status: what the running service's ledger holds.
#pragma once

#include <string>

namespace tillwire {

struct StatusOptions {
  std::string server = "127.0.0.1:7400";
  bool json = false;
};

// Prints to standard output; gives the exit code (cli/connection.h).
int RunStatus(const StatusOptions& options);

}  // namespace tillwire
