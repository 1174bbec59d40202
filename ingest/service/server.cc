#include "ingest/service/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "core/limits.h"
#include "platform/network_address.h"

namespace tillwire {
namespace {

constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMinPingIntervalMs = 10'000;
constexpr int kHandshakeTimeoutMs = 10'000;
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
  grpc::SslServerCredentialsOptions ssl;
  ssl.pem_key_cert_pairs.push_back({*key, *certificate});
  return grpc::SslServerCredentials(ssl);
}

Error CannotListen(const std::string& key, const std::string& address) {
  return {ErrorCode::kUnavailable,
          "cannot listen on " + address + ": " + WhyNoListening(address).value_or("the address was refused"),
          "stop the program that uses it (ss -ltnp), or change " + key};
}

}  // namespace

class Server::Impl {
 public:
  Impl(std::unique_ptr<grpc::Server> server, int port, int tls_port)
      : server_(std::move(server)), port_(port), tls_port_(tls_port) {}

  [[nodiscard]] int Port() const { return port_; }
  [[nodiscard]] int TlsPort() const { return tls_port_; }

  void Shutdown(std::chrono::milliseconds grace) {
    if (auto* health = server_->GetHealthCheckService()) health->Shutdown();
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_->Wait();
  }

 private:
  std::unique_ptr<grpc::Server> server_;
  const int port_;
  const int tls_port_;
};

Result<std::unique_ptr<Server>> Server::Start(const ListenConfig& listen, const StreamLimits& limits,
                                              const std::vector<grpc::Service*>& services) {
  gpr_set_log_function(LogGrpc);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  int tls_port = 0;
  if (!listen.address.empty()) {
    builder.AddListeningPort(listen.address, grpc::InsecureServerCredentials(), &port);
  }
  if (!listen.tls_address.empty()) {
    const auto credentials = TlsCredentials(listen);
    if (!credentials) return credentials.error();
    builder.AddListeningPort(listen.tls_address, *credentials, &tls_port);
  }
  // Else a second process would share the port, and agents would find either.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  grpc::ResourceQuota quota("tillwire-ingestd");
  quota.Resize(kMemoryQuotaBytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits.max_batch_bytes + kMaxEventBytes +
                                                    kMessageOverheadBytes +
                                                    limits.max_batch_records * kRecordOverheadBytes));
  for (grpc::Service* service : services) builder.RegisterService(service);
  auto server = builder.BuildAndStart();
  if (!listen.address.empty() && port == 0) return CannotListen("listen.address", listen.address);
  if (server == nullptr || (!listen.tls_address.empty() && tls_port == 0)) {
    // The library says no more: where the address is free, it is the certificate.
    if (WhyNoListening(listen.tls_address)) return CannotListen("listen.tls_address", listen.tls_address);
    return Error{ErrorCode::kUnavailable,
                 "cannot serve with listen.tls_certificate " + listen.tls_certificate +
                     " and listen.tls_key " + listen.tls_key,
                 "give a certificate and the key that belongs to it, both PEM"};
  }
  return std::unique_ptr<Server>(new Server(std::make_unique<Impl>(std::move(server), port, tls_port)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() {
  Shutdown(std::chrono::milliseconds(0));
}
int Server::Port() const {
  return impl_->Port();
}
int Server::TlsPort() const {
  return impl_->TlsPort();
}
void Server::Shutdown(std::chrono::milliseconds grace) {
  impl_->Shutdown(grace);
}

}  // namespace tillwire
