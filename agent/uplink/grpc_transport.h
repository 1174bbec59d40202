// The transport over gRPC: IngestionService.WriteBack, one connection per stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/uplink/transport.h"

namespace asio {
class io_context;
}

namespace tillwire {

struct GrpcTransportOptions {
  std::string server;  // host:port
  bool tls = false;    // encrypted, the server's certificate verified for that host
  std::string
      ca_file;  // PEM: who may have signed it; the system's authorities if empty. Read for each stream
  std::chrono::milliseconds keepalive_time{30'000};
  std::chrono::milliseconds keepalive_timeout{10'000};
};

// gRPC's callbacks arrive on its own threads; they only post to `io`, whose thread uses this object.
//
// Each stream looks the server's name up anew. Where that fails, the next one goes to the address at which
// the server answered last in this process, and the one after it looks the name up again.
class GrpcTransport final : public Transport {
 public:
  GrpcTransport(asio::io_context& io, GrpcTransportOptions options);
  // Waits until gRPC is done with every stream.
  ~GrpcTransport() override;

  void SetListener(TransportListener* listener) override { listener_ = listener; }
  void Open() override;
  void Send(ToCentre message) override;
  void Close() override;

 private:
  class Stream;
  class OpenStreams;

  asio::io_context& io_;
  const GrpcTransportOptions options_;
  TransportListener* listener_ = nullptr;
  std::unique_ptr<OpenStreams> open_;
  std::shared_ptr<Stream> stream_;
  std::string good_address_;       // as a channel takes it; empty until the server has answered
  bool try_good_address_ = false;  // the next stream goes there
  std::uint64_t attempt_ = 0;      // tells a failure that is still to be reported from one that is closed
};

}  // namespace tillwire
