#include "ingest/service/connection_acceptor.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "platform/file_descriptor.h"
#include "platform/network_address.h"

namespace tillwire {
namespace {

constexpr int kBacklog = 4096;  // all tills of a chain may come at once; the kernel caps it (somaxconn)
// What the process opens beside connections: the ledger, its log, timers of gRPC.
constexpr rlim_t kOwnFiles = 128;
// As gRPC does on sockets of its own, for a keepalive of 10 s: how long sent data may stay unconfirmed.
constexpr unsigned kUserTimeoutMs = 10'000;
constexpr std::chrono::milliseconds kPauseWithoutRoom{100};
constexpr std::chrono::seconds kLogFullEvery{10};

std::string SystemText(int error) {
  return std::generic_category().message(error);
}

// Descriptors are given from the lowest that is free: what is below that number is open.
int OpenFiles() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<int>(std::distance(begin(files), end(files)));
}

// The first descriptor that is too much.
int FirstTooMany(std::uint64_t max_connections) {
  const auto own = static_cast<rlim_t>(OpenFiles()) + kOwnFiles;
  const rlim_t wanted = own + max_connections;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < wanted) {
    files.rlim_cur = std::min(files.rlim_max, wanted);
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
  }
  if (files.rlim_cur < wanted) {
    spdlog::info(
        "ingest: the system lets this process have {} files open, so no more than {} connections are taken, "
        "instead of listen.max_connections={}; raise its limit (LimitNOFILE)",
        files.rlim_cur, files.rlim_cur > own ? files.rlim_cur - own : 0, max_connections);
  }
  return static_cast<int>(std::min(files.rlim_cur, wanted) - std::min<rlim_t>(files.rlim_cur, kOwnFiles));
}

// What "host:port" stands for.
class Addresses {
 public:
  explicit Addresses(const NetworkAddress& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    const std::string port = std::to_string(address.port);
    failed_ = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &first_);
  }
  ~Addresses() {
    if (first_ != nullptr) freeaddrinfo(first_);
  }
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  // Nullptr where there are none: then Why() says why.
  [[nodiscard]] const addrinfo* First() const { return first_; }
  [[nodiscard]] std::string Why() const { return gai_strerror(failed_); }

 private:
  addrinfo* first_ = nullptr;
  int failed_ = 0;
};

void SetOption(int socket, int level, int name, unsigned value) {
  setsockopt(socket, level, name, &value, sizeof value);
}

// A socket that listens there, on `port` where the address leaves that open; its connections inherit its
// options. Or why not.
Result<FileDescriptor> OpenListener(const addrinfo& address, int port) {
  const auto failed = [] { return Error{ErrorCode::kUnavailable, SystemText(errno), ""}; };
  FileDescriptor listener(socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.IsOpen()) return failed();
  SetOption(listener.Get(), SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(listener.Get(), IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(listener.Get(), IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  sockaddr_storage where{};
  std::copy_n(reinterpret_cast<const char*>(address.ai_addr), address.ai_addrlen,
              reinterpret_cast<char*>(&where));
  // The port is at the same place in both families.
  auto& chosen = reinterpret_cast<sockaddr_in&>(where).sin_port;
  if (chosen == 0) chosen = htons(static_cast<std::uint16_t>(port));
  if (address.ai_family == AF_INET6) SetOption(listener.Get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (bind(listener.Get(), reinterpret_cast<const sockaddr*>(&where), address.ai_addrlen) != 0 ||
      listen(listener.Get(), kBacklog) != 0) {
    return failed();
  }
  return listener;
}

int PortOf(const FileDescriptor& listener) {
  sockaddr_storage where{};
  socklen_t size = sizeof where;
  getsockname(listener.Get(), reinterpret_cast<sockaddr*>(&where), &size);
  return ntohs(reinterpret_cast<const sockaddr_in&>(where).sin_port);
}

}  // namespace

class ConnectionAcceptor::Impl {
 public:
  explicit Impl(std::uint64_t max_connections)
      : too_many_(FirstTooMany(max_connections)), wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Impl() { Stop(); }

  Result<int> Listen(const std::string& text, const Take& take) {
    const auto address = ParseNetworkAddress(text);
    if (!address) return Error{ErrorCode::kUnavailable, "it is not host:port", ""};
    const Addresses found(*address);
    if (found.First() == nullptr) return Error{ErrorCode::kUnavailable, found.Why(), ""};
    int port = address->port;
    for (const addrinfo* each = found.First(); each != nullptr; each = each->ai_next) {
      auto listener = OpenListener(*each, port);
      if (!listener) return listener.error();
      port = PortOf(*listener);
      doors_.push_back({std::move(*listener), take});
    }
    return port;
  }

  void Start() {
    thread_ = std::thread([this] { Serve(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    eventfd_write(wakeup_.Get(), 1);
    thread_.join();
    doors_.clear();
  }

 private:
  struct Door {
    FileDescriptor listener;
    Take take;
  };

  void Serve() {
    std::vector<pollfd> ready{{wakeup_.Get(), POLLIN, 0}};
    for (const Door& door : doors_) ready.push_back({door.listener.Get(), POLLIN, 0});
    while (!stopping_) {
      poll(ready.data(), ready.size(), -1);
      for (std::size_t i = 0; i < doors_.size() && !stopping_; ++i) {
        if (ready[i + 1].revents != 0) AcceptAll(doors_[i]);
      }
    }
  }

  void AcceptAll(const Door& door) {
    while (!stopping_) {
      FileDescriptor connection(accept4(door.listener.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (connection.IsOpen()) {
        if (connection.Get() < too_many_) {
          door.take(door.listener.Get(), connection.Release());
        } else {
          LogFull();
        }
      } else if (errno == EAGAIN) {
        return;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        LogFull();
        pollfd stop{wakeup_.Get(), POLLIN, 0};
        poll(&stop, 1, static_cast<int>(kPauseWithoutRoom.count()));
      }
      // Any other failure is that of a connection that was gone before it was taken.
    }
  }

  void LogFull() {
    const auto now = std::chrono::steady_clock::now();
    if (logged_full_ && now - *logged_full_ < kLogFullEvery) return;
    logged_full_ = now;
    spdlog::error(
        "ingest: connections are refused, {} files are open; see listen.max_connections, and who has so many "
        "connections (ss -tn)",
        too_many_);
  }

  const int too_many_;
  const FileDescriptor wakeup_;
  std::vector<Door> doors_;
  std::optional<std::chrono::steady_clock::time_point> logged_full_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

ConnectionAcceptor::ConnectionAcceptor(std::uint64_t max_connections)
    : impl_(std::make_unique<Impl>(max_connections)) {}
ConnectionAcceptor::~ConnectionAcceptor() = default;
Result<int> ConnectionAcceptor::Listen(const std::string& address, const Take& take) {
  return impl_->Listen(address, take);
}
void ConnectionAcceptor::Start() {
  impl_->Start();
}
void ConnectionAcceptor::Stop() {
  impl_->Stop();
}

}  // namespace tillwire
