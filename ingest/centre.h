// The centre as a whole: wires its parts together and serves until it is told to stop. The one place, with
// main.cc, that knows which ledger, clock and randomness the service runs on.
#pragma once

#include "core/result.h"
#include "ingest/config.h"
#include "ingest/phase_probe.h"

namespace tillwire {

// Where tests look in. All empty in production.
struct CentreSeams {
  CentreProbe phase_probe;
};

// Serves on the calling thread until SIGTERM or SIGINT, then stops cleanly: ends the streams, commits what it
// took, closes the ledger. Logging has been set up. An error says why it could not start, or that the
// ledger's disk failed.
Result<void> RunCentre(const IngestConfig& config, const CentreSeams& seams);

}  // namespace tillwire
