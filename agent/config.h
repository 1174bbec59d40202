// What store IT can set, with the defaults. installer/tillwired.toml is the commented sample; docs and code
// go by it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/result.h"
#include "platform/config_file.h"
#include "platform/metrics_server.h"

namespace tillwire {

struct UplinkConfig {
  std::string server = "127.0.0.1:7400";  // host:port of tillwire-ingestd
  bool tls = false;                       // encrypted, and the server's certificate verified
  std::string ca_file;                    // who may have signed it (PEM); the system's authorities if empty
  bool insecure = false;                  // plaintext to a server that is not on loopback
  std::uint64_t batch_records = 512;      // the server's Welcome may lower these three
  std::uint64_t batch_bytes = 256 * 1024;
  std::uint64_t window_batches = 4;
  std::chrono::milliseconds backoff_base{1000};
  std::chrono::milliseconds backoff_cap{120'000};
  std::chrono::milliseconds keepalive_time{30'000};
  std::chrono::milliseconds keepalive_timeout{10'000};
  std::chrono::milliseconds answer_timeout{
      40'000};  // no Welcome or result for so long: the channel is rebuilt
};

struct OutboxConfig {
  std::string directory = "/var/lib/tillwire";
  std::uint64_t max_bytes = 2ULL << 30;
  std::uint64_t reserve_bytes = 8ULL << 20;
  std::chrono::milliseconds delivered_retention = std::chrono::hours(30 * 24);
  std::uint64_t delivered_max_bytes = 256ULL << 20;
  std::chrono::milliseconds idempotency_retention = std::chrono::hours(90 * 24);
};

struct SpoolConfig {
  std::string directory;  // "spool" in outbox.directory where the file does not say
};

struct AgentConfig {
  std::string store_id;     // required
  std::string terminal_id;  // required
  std::string machine_id_file = "/etc/machine-id";
  OutboxConfig outbox;
  SpoolConfig spool;
  std::string socket = "/run/tillwire/capture.sock";
  UplinkConfig uplink;
  MetricsConfig metrics{"127.0.0.1:7411"};
  std::string log_level = "info";
  std::string log_format = "text";
};

// Reads and checks a file. The error names the file, the key and the remedy.
Result<AgentConfig> LoadAgentConfig(const std::string& path);
// The same file, with every setting and everything that is wrong. It looks at the disk, not at the network.
ConfigReport InspectAgentConfig(const std::string& path);

}  // namespace tillwire
