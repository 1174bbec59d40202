// Takes connections from the network and hands them on, no more than there is room for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"

namespace tillwire {

// gRPC 1.51 listens by itself too, but not once more after the process ran out of file descriptors
// (grpc/grpc#16058): a thousand silent connections would make the centre deaf until it is started anew.
class ConnectionAcceptor {
 public:
  // Is given a connection, which it then owns, and the descriptor it came in by. On the acceptor's thread.
  using Take = std::function<void(int listener, int connection)>;

  // How many connections the process shall have open at a time, beside what it has open now. Where the
  // system's limit of open files is lower, it is raised as far as the system lets it, and that counts (with a
  // line in the log).
  explicit ConnectionAcceptor(std::uint64_t max_connections);
  // As Stop().
  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  // Listens on each address that "host:port" stands for, before Start(). Returns the port, which the system
  // chose where it is 0. kUnavailable says why it can't be had.
  Result<int> Listen(const std::string& address, const Take& take);
  // From here on connections are taken, on a thread of its own. Those for which there is no room are closed.
  void Start();
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
