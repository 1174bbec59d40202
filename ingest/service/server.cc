#include "ingest/service/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "core/limits.h"
#include "ingest/service/connection_acceptor.h"
#include "platform/pem_pair.h"

namespace tillwire {
namespace {

constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMinPingIntervalMs = 10'000;
constexpr int kHandshakeTimeoutMs = 10'000;
constexpr int kMaxIdleMs = 300'000;           // a connection on which nothing is called
constexpr int kMaxStreamsPerConnection = 64;  // an agent needs one
constexpr std::size_t kMemoryQuotaBytes = 512ULL << 20;
constexpr std::size_t kRecordOverheadBytes = 1024;         // hashes, lane, predecessor, origin
constexpr std::size_t kMessageOverheadBytes = 256 * 1024;  // also room for the largest Hello

// The library's own log goes the way of ours, and only to those who ask for detail: what matters in it
// reaches us as a status.
void LogGrpc(gpr_log_func_args* line) {
  spdlog::debug("grpc: {}:{} {}", line->file, line->line, line->message);
}

Result<std::string> ReadPem(const char* key, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (text.find("-----BEGIN ") != std::string::npos) return text;
  return Error{ErrorCode::kUnavailable, std::string(key) + " " + path + " can't be read, or is no PEM file",
               "put it there, readable for the service"};
}

Result<std::shared_ptr<grpc::ServerCredentials>> TlsCredentials(const ListenConfig& listen) {
  const auto certificate = ReadPem("listen.tls_certificate", listen.tls_certificate);
  if (!certificate) return certificate.error();
  const auto key = ReadPem("listen.tls_key", listen.tls_key);
  if (!key) return key.error();
  // The library says nothing of a pair that it can't serve with.
  if (const auto pair = CheckPemPair(*certificate, *key); !pair) {
    return Error{ErrorCode::kUnavailable,
                 "cannot serve with listen.tls_certificate " + listen.tls_certificate +
                     " and listen.tls_key " + listen.tls_key + ": " + pair.error().message,
                 "give a certificate and the key that belongs to it, both PEM"};
  }
  grpc::SslServerCredentialsOptions ssl;
  ssl.pem_key_cert_pairs.push_back({*key, *certificate});
  return grpc::SslServerCredentials(ssl);
}

Error CannotListen(const std::string& key, const std::string& address, const Error& why) {
  return {ErrorCode::kUnavailable, "cannot listen on " + address + ": " + why.message,
          "stop the program that uses it (ss -ltnp), or change " + key};
}

// Has what comes in at `address` served with `credentials`. Returns the port.
Result<int> Serve(grpc::ServerBuilder& builder, ConnectionAcceptor& acceptor, const std::string& address,
                  const std::shared_ptr<grpc::ServerCredentials>& credentials) {
  using Experimental = grpc::ServerBuilder::experimental_type;
  std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> served =
      builder.experimental().AddExternalConnectionAcceptor(Experimental::ExternalConnectionType::FROM_FD,
                                                           credentials);
  return acceptor.Listen(address, [served](int listener, int connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.listener_fd = listener;
    parameters.fd = connection;
    served->HandleNewConnection(&parameters);
  });
}

void SetLimits(grpc::ServerBuilder& builder, const StreamLimits& limits) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  grpc::ResourceQuota quota("tillwire-ingestd");
  quota.Resize(kMemoryQuotaBytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.max_batch_bytes + kMaxEventBytes +
                                                    kMessageOverheadBytes +
                                                    limits.max_batch_records * kRecordOverheadBytes));
}

}  // namespace

class Server::Impl {
 public:
  explicit Impl(std::uint64_t max_connections) : acceptor(max_connections) {}

  void Shutdown(std::chrono::milliseconds grace) {
    acceptor.Stop();
    if (auto* health = server->GetHealthCheckService()) health->Shutdown();
    server->Shutdown(std::chrono::system_clock::now() + grace);
    server->Wait();
  }

  int port = 0;
  int tls_port = 0;
  std::unique_ptr<grpc::Server> server;
  ConnectionAcceptor acceptor;
};

Result<std::unique_ptr<Server>> Server::Start(const ListenConfig& listen, const StreamLimits& limits,
                                              const std::vector<grpc::Service*>& services) {
  gpr_set_log_function(LogGrpc);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  auto impl = std::make_unique<Impl>(listen.max_connections);
  if (!listen.address.empty()) {
    const auto port = Serve(builder, impl->acceptor, listen.address, grpc::InsecureServerCredentials());
    if (!port) return CannotListen("listen.address", listen.address, port.error());
    impl->port = *port;
  }
  if (!listen.tls_address.empty()) {
    const auto credentials = TlsCredentials(listen);
    if (!credentials) return credentials.error();
    const auto port = Serve(builder, impl->acceptor, listen.tls_address, *credentials);
    if (!port) return CannotListen("listen.tls_address", listen.tls_address, port.error());
    impl->tls_port = *port;
  }
  SetLimits(builder, limits);
  for (grpc::Service* service : services) builder.RegisterService(service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr) {
    return Error{ErrorCode::kUnavailable, "the gRPC library can't serve",
                 "set log.level = \"debug\" to see why"};
  }
  impl->acceptor.Start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() {
  Shutdown(std::chrono::milliseconds(0));
}
int Server::Port() const {
  return impl_->port;
}
int Server::TlsPort() const {
  return impl_->tls_port;
}
void Server::Shutdown(std::chrono::milliseconds grace) {
  impl_->Shutdown(grace);
}

}  // namespace tillwire
