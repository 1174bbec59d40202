#include "platform/metrics_server.h"

#include <httplib.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <utility>

#include "platform/config_file.h"
#include "platform/network_address.h"

namespace tillwire {
namespace {

constexpr int kClientTimeoutSeconds = 2;        // of silence, reading or writing
constexpr std::size_t kMaxRequestBytes = 1024;  // of a body, which nobody needs
constexpr int kOk = 200;
constexpr int kServiceUnavailable = 503;
constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kPlainType = "text/plain; charset=utf-8";

// Runs each connection on the thread that accepts: a scrape every some seconds needs no pool.
class SameThread final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> job) override { job(); }
  void shutdown() override {}
};

// The library would set SO_REUSEPORT, and two daemons would share a port without a word.
void SetSocketOptions(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

// With a body of known length the library neither compresses it, which would cost more memory than all the
// rest, nor splits it.
void Answer(httplib::Response& response, std::string text, const char* type) {
  const std::size_t size = text.size();
  response.set_content_provider(
      size, type, [text = std::move(text)](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        return sink.write(text.data() + offset, length);
      });
}

Error CannotListen(const std::string& address) {
  return {ErrorCode::kUnavailable,
          "cannot listen on metrics.listen " + address + ": " +
              WhyNoListening(address).value_or("the address was refused"),
          "stop the program that uses it (ss -ltnp), or change metrics.listen, and restart"};
}

}  // namespace

void ReadMetricsConfig(ConfigFile& file, MetricsConfig& metrics) {
  file.Read("metrics.listen", metrics.listen);
  file.Read("metrics.insecure", metrics.insecure);
}

Result<void> CheckMetricsConfig(const MetricsConfig& metrics) {
  if (metrics.listen.empty()) return {};
  const auto address = ParseNetworkAddress(metrics.listen);
  if (!address) {
    return Error{ErrorCode::kInvalidArgument, "metrics.listen is \"" + metrics.listen + "\"",
                 "give it as host:port, for example 127.0.0.1:7411 or [::1]:7411, or \"\" for none"};
  }
  if (!IsLoopback(address->host) && !metrics.insecure) {
    return Error{ErrorCode::kInvalidArgument,
                 "metrics.listen " + metrics.listen +
                     " is reachable from other machines, and this service speaks plaintext",
                 "listen on 127.0.0.1, or set metrics.insecure = true if the network is protected otherwise"};
  }
  return {};
}

class MetricsServer::Impl {
 public:
  Impl(const MetricsConfig& config, Pages pages) : config_(config), pages_(std::move(pages)) {
    server_.new_task_queue = [] { return new SameThread; };
    server_.set_socket_options(SetSocketOptions);
    // A connection that is kept would be polled, and would keep others waiting.
    server_.set_keep_alive_max_count(1);
    server_.set_keep_alive_timeout(kClientTimeoutSeconds);
    server_.set_read_timeout(kClientTimeoutSeconds);
    server_.set_write_timeout(kClientTimeoutSeconds);
    server_.set_payload_max_length(kMaxRequestBytes);
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      Answer(response, pages_.metrics(), kMetricsType);
    });
    server_.Get("/healthz", [this](const httplib::Request&, httplib::Response& response) {
      const Result<void> health = pages_.health();
      response.status = health ? kOk : kServiceUnavailable;
      Answer(response, (health ? "ok" : health.error().Text()) + "\n", kPlainType);
    });
  }

  ~Impl() {
    stopping_ = true;
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  bool Listen() {
    const auto address = ParseNetworkAddress(config_.listen);
    if (!address) return false;
    int port = address->port;
    if (port == 0) {
      port = server_.bind_to_any_port(address->host);
      if (port < 0) return false;
    } else if (!server_.bind_to_port(address->host, port)) {
      return false;
    }
    address_ = config_.listen.substr(0, config_.listen.rfind(':')) + ":" + std::to_string(port);
    StartThread();
    return true;
  }

  [[nodiscard]] const std::string& Address() const { return address_; }

 private:
  // The daemon's signals are for its main thread, and would end the library's accept().
  void StartThread() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      if (!stopping_) spdlog::error("metrics: no longer served, a restart mends it address={}", address_);
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    // stop() has no effect on a server that does not run yet.
    while (!server_.is_running()) std::this_thread::yield();
  }

  const MetricsConfig config_;
  const Pages pages_;
  std::string address_;
  std::atomic<bool> stopping_ = false;
  httplib::Server server_;
  std::thread thread_;
};

Result<std::unique_ptr<MetricsServer>> MetricsServer::Start(const MetricsConfig& config, Pages pages) {
  auto impl = std::make_unique<Impl>(config, std::move(pages));
  if (!impl->Listen()) return CannotListen(config.listen);
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;
const std::string& MetricsServer::Address() const {
  return impl_->Address();
}

std::unique_ptr<MetricsServer> StartMetricsServer(const MetricsConfig& config, MetricsServer::Pages pages) {
  if (config.listen.empty()) return nullptr;
  auto server = MetricsServer::Start(config, std::move(pages));
  if (!server) {
    spdlog::error("metrics: not served error=\"{}\"", server.error().Text());
    return nullptr;
  }
  spdlog::info("metrics: listening address={}", (*server)->Address());
  return std::move(*server);
}

}  // namespace tillwire
