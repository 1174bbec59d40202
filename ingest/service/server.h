// The gRPC server around the services: where it listens, what it puts up with, how it stops.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/write_back.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace tillwire {

class Server {
 public:
  // Listens in plaintext on "host:port"; port 0 takes a free one. The services outlive the server. Health
  // checking (grpc.health.v1) and reflection are added. kUnavailable names an address that can't be had.
  static Result<std::unique_ptr<Server>> Start(const std::string& address, const StreamLimits& limits,
                                               const std::vector<grpc::Service*>& services);
  // As Shutdown(0).
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The port that it listens on.
  [[nodiscard]] int Port() const;
  // Takes no new calls and returns when those that are open have ended; after the grace they are cancelled.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
