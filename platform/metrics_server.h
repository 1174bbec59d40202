// GET /metrics and GET /healthz over HTTP, for whoever watches the daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"

namespace tillwire {

class ConfigFile;

// The table [metrics] of either daemon's file.
struct MetricsConfig {
  std::string listen;     // host:port; port 0 takes a free one; empty: off
  bool insecure = false;  // plaintext to other machines
};
void ReadMetricsConfig(ConfigFile& file, MetricsConfig& metrics);
// kInvalidArgument for what is no address, and for one that other machines reach unless that is allowed.
Result<void> CheckMetricsConfig(const MetricsConfig& metrics);

// Serves one request at a time on one thread of its own, which sleeps in between; a client that stalls is
// given up after some seconds.
class MetricsServer {
 public:
  // What the two pages say. Called on the server's thread, and must return within seconds.
  struct Pages {
    std::function<std::string()> metrics;
    std::function<Result<void>()> health;  // an error: /healthz answers 503 with its text
  };

  // Listens on `config.listen`, which has been checked and is not empty. kUnavailable names what stands in
  // the way and the remedy.
  static Result<std::unique_ptr<MetricsServer>> Start(const MetricsConfig& config, Pages pages);
  // Refuses new requests, finishes the one under way, ends the thread.
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  // host:port where it listens, with the port that was taken.
  [[nodiscard]] const std::string& Address() const;

 private:
  class Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Starts it if the configuration wants it. What stands in the way is logged as an error with its remedy: it
// never keeps a daemon from its work.
std::unique_ptr<MetricsServer> StartMetricsServer(const MetricsConfig& config, MetricsServer::Pages pages);

}  // namespace tillwire
