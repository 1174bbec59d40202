// What the centre's operators can set, with the defaults. installer/tillwire-ingestd.toml is the commented
// sample.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/result.h"
#include "core/write_back.h"
#include "ingest/acceptance/rules.h"
#include "ingest/acceptance/welcome.h"
#include "ingest/oversight/terminal_record.h"
#include "platform/config_file.h"
#include "platform/metrics_server.h"

namespace tillwire {

struct ListenConfig {
  std::string address = "127.0.0.1:7400";  // plaintext, as host:port; port 0 takes a free one; "" is off
  bool insecure = false;                   // plaintext to other machines
  std::string tls_address;                 // with TLS, likewise; "" is off
  std::string tls_certificate;             // PEM: the server's certificate and its chain
  std::string tls_key;                     // PEM
  std::uint64_t max_connections = 20'000;  // at a time; the system's limit of open files may be lower
};

struct LedgerConfig {
  std::string path = "/var/lib/tillwire-ingest/ledger.db";
  BackedUp announce_backed_up = BackedUp::kAccepted;
};

// What a stream may take from the centre; agents are not told.
struct StreamBounds {
  std::chrono::milliseconds write_timeout{60'000};  // for an agent to take a message
  std::uint64_t max_streams = 20'000;               // at a time
};

// A digest a minute.
StreamLimits DefaultStreamLimits();

struct IngestConfig {
  ListenConfig listen;
  LedgerConfig ledger;
  AcceptanceRules acceptance;
  StreamLimits stream = DefaultStreamLimits();
  StreamBounds stream_bounds;
  FlagLimits terminals;
  MetricsConfig metrics{"127.0.0.1:7412"};
  std::string log_level = "info";
  std::string log_format = "text";
};

// Reads and checks a file. The error names the file, the key and the remedy.
Result<IngestConfig> LoadIngestConfig(const std::string& path);
// The same file, with every setting and everything that is wrong. It looks at the disk, not at the network.
ConfigReport InspectIngestConfig(const std::string& path);

}  // namespace tillwire
