// The gRPC server around the services: where it listens, what it puts up with, how it stops.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/write_back.h"
#include "ingest/config.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tillwire {

class Server {
 public:
  // Listens where `listen` says, which LoadIngestConfig() has checked; port 0 takes a free one. The services
  // outlive the server. Health checking (grpc.health.v1) and reflection are added. kUnavailable names an
  // address that can't be had, or a certificate or key that can't be read.
  static Result<std::unique_ptr<Server>> Start(const ListenConfig& listen, const StreamLimits& limits,
                                               const std::vector<grpc::Service*>& services);
  // As Shutdown(0).
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The ports that it listens on: in plaintext and with TLS; 0 if that is off.
  [[nodiscard]] int Port() const;
  [[nodiscard]] int TlsPort() const;
  // Takes no new calls and returns when those that are open have ended; after the grace they are cancelled.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
