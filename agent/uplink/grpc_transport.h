// The transport over gRPC: IngestionService.WriteBack, one connection per stream.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "agent/uplink/transport.h"

namespace asio {
class io_context;
}

namespace tillwire {

struct GrpcTransportOptions {
  std::string server;  // host:port
  std::chrono::milliseconds keepalive_time{30'000};
  std::chrono::milliseconds keepalive_timeout{10'000};
};

// gRPC's callbacks arrive on its own threads; they only post to `io`, whose thread uses this object.
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
};

}  // namespace tillwire
