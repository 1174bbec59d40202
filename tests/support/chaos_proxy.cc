#include "tests/support/chaos_proxy.h"

#include <sys/socket.h>

#include <array>
#include <asio.hpp>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <string>
#include <thread>
#include <type_traits>

namespace tillwire {
namespace {

using asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

tcp::endpoint Loopback(std::uint16_t port) {
  return {asio::ip::address_v4::loopback(), port};
}

enum class Mode { kFlow, kHold, kSwallow };

// One direction of a connection.
struct Pipe {
  struct Chunk {
    SteadyTime due;
    std::string bytes;
  };

  Pipe(tcp::socket& source, tcp::socket& sink) : from(source), to(sink), timer(source.get_executor()) {}

  tcp::socket& from;
  tcp::socket& to;
  asio::steady_timer timer;
  Mode mode = Mode::kFlow;
  std::array<char, 16 * 1024> buffer{};
  std::deque<Chunk> queue;
  bool writing = false;
  bool ended = false;
};

// An agent's connection and the one to the centre that belongs to it. Lives as long as something is under way
// on it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& context, tcp::socket agent, std::chrono::milliseconds latency)
      : latency_(latency),
        agent_(std::move(agent)),
        centre_(context),
        up_(agent_, centre_),
        down_(centre_, agent_) {}

  void Connect(std::uint16_t centre_port) {
    centre_.async_connect(Loopback(centre_port), [self = shared_from_this()](std::error_code error) {
      if (error) {
        self->Close();
        return;
      }
      std::error_code ignored;
      self->agent_.set_option(tcp::no_delay(true), ignored);
      self->centre_.set_option(tcp::no_delay(true), ignored);
      self->Pump(self->up_);
      self->Pump(self->down_);
    });
  }

  void SetLatency(std::chrono::milliseconds latency) { latency_ = latency; }
  void SetUpstream(Mode mode) { SetMode(up_, mode); }
  void SetDownstream(Mode mode) {
    if (!abandoned_) {
      SetMode(down_, mode);
    }
  }

  [[nodiscard]] std::size_t HeldUpstreamBytes() const {
    std::size_t bytes = 0;
    if (up_.mode == Mode::kHold) {
      for (const Pipe::Chunk& chunk : up_.queue) {
        bytes += chunk.bytes.size();
      }
    }
    return bytes;
  }

  // The agent's end goes. The centre's end stays for as long as bytes are held for it.
  void Cut() {
    if (up_.mode == Mode::kHold || abandoned_) {
      Abandon();
    } else {
      Close();
    }
  }

  void Close() {
    std::error_code ignored;
    agent_.close(ignored);
    centre_.close(ignored);
    up_.timer.cancel();
    down_.timer.cancel();
  }

 private:
  void Pump(Pipe& pipe) {
    pipe.from.async_read_some(asio::buffer(pipe.buffer),
                              [self = shared_from_this(), &pipe](std::error_code error, std::size_t size) {
                                if (error) {
                                  self->Ended(pipe);
                                  return;
                                }
                                if (pipe.mode != Mode::kSwallow) {
                                  pipe.queue.push_back({std::chrono::steady_clock::now() + self->latency_,
                                                        std::string(pipe.buffer.data(), size)});
                                  self->Flush(pipe);
                                }
                                self->Pump(pipe);
                              });
  }

  void Flush(Pipe& pipe) {
    if (pipe.writing || pipe.mode != Mode::kFlow) {
      return;
    }
    if (pipe.queue.empty()) {
      if (pipe.ended && !abandoned_) {
        Close();
      }
      return;
    }
    if (pipe.queue.front().due > std::chrono::steady_clock::now()) {
      pipe.timer.expires_at(pipe.queue.front().due);
      pipe.timer.async_wait([self = shared_from_this(), &pipe](std::error_code error) {
        if (!error) {
          self->Flush(pipe);
        }
      });
      return;
    }
    pipe.writing = true;
    asio::async_write(pipe.to, asio::buffer(pipe.queue.front().bytes),
                      [self = shared_from_this(), &pipe](std::error_code error, std::size_t /*size*/) {
                        pipe.writing = false;
                        if (error) {
                          self->Unreachable(pipe);
                          return;
                        }
                        pipe.queue.pop_front();
                        self->Flush(pipe);
                      });
  }

  void Ended(Pipe& pipe) {
    pipe.ended = true;
    if (&pipe == &up_ && up_.mode == Mode::kHold) {
      Abandon();
    } else if (!abandoned_ || &pipe == &down_) {
      pipe.mode == Mode::kFlow ? Flush(pipe) : Close();
    }
  }

  void Unreachable(Pipe& pipe) {
    if (&pipe == &up_ || (up_.mode != Mode::kHold && !abandoned_)) {
      Close();
    } else {
      Abandon();
    }
  }

  void Abandon() {
    abandoned_ = true;
    std::error_code ignored;
    agent_.close(ignored);
    down_.mode = Mode::kSwallow;
    down_.queue.clear();
  }

  void SetMode(Pipe& pipe, Mode mode) {
    if (pipe.mode == Mode::kSwallow) {
      return;
    }
    pipe.mode = mode;
    if (mode == Mode::kSwallow) {
      pipe.queue.resize(pipe.writing ? 1 : 0);
    }
    Flush(pipe);
  }

  std::chrono::milliseconds latency_;
  tcp::socket agent_;
  tcp::socket centre_;
  Pipe up_;
  Pipe down_;
  bool abandoned_ = false;  // the agent's end is gone, and the centre is not to notice
};

}  // namespace

class ChaosProxy::Impl {
 public:
  // The reservation keeps the port this proxy's while nobody listens on it.
  Impl() : reservation_(context_, tcp::v4()), acceptor_(context_), work_(asio::make_work_guard(context_)) {
    reservation_.set_option(ReusePort(true));
    reservation_.bind(Loopback(0));
    port_ = reservation_.local_endpoint().port();
    Listen();
    thread_ = std::thread([this] { context_.run(); });
  }

  ~Impl() {
    Do([this] {
      acceptor_.close();
      ForEach([](Connection& connection) { connection.Close(); });
      work_.reset();
    });
    thread_.join();
  }

  // Runs `action` in the proxy's thread and gives back what it returns.
  template <typename Action>
  std::invoke_result_t<Action> Do(Action action) {
    std::packaged_task<std::invoke_result_t<Action>()> task(std::move(action));
    auto done = task.get_future();
    asio::post(context_, [&task] { task(); });
    return done.get();
  }

  void ForEach(const std::function<void(Connection&)>& action) {
    for (auto iterator = connections_.begin(); iterator != connections_.end();) {
      if (const auto connection = iterator->lock()) {
        action(*connection);
        ++iterator;
      } else {
        iterator = connections_.erase(iterator);
      }
    }
  }

  void Listen() {
    if (acceptor_.is_open()) {
      return;
    }
    acceptor_.open(tcp::v4());
    acceptor_.set_option(ReusePort(true));
    acceptor_.bind(Loopback(port_));
    acceptor_.listen();
    Accept();
  }

  void Cut() {
    acceptor_.close();
    ForEach([](Connection& connection) { connection.Cut(); });
  }

  [[nodiscard]] std::uint16_t Port() const { return port_; }

  void ApplyTo(Connection& connection) const {
    connection.SetUpstream(up);
    connection.SetDownstream(down);
  }

  // Of new connections.
  Mode up = Mode::kFlow;
  Mode down = Mode::kFlow;
  std::uint16_t centre_port = 0;
  std::chrono::milliseconds latency{0};
  std::uint64_t accepted = 0;

 private:
  void Accept() {
    acceptor_.async_accept([this](std::error_code error, tcp::socket socket) {
      if (error) {
        return;
      }
      ++accepted;
      if (centre_port != 0) {
        auto connection = std::make_shared<Connection>(context_, std::move(socket), latency);
        connections_.push_back(connection);
        ApplyTo(*connection);
        connection->Connect(centre_port);
      }
      Accept();
    });
  }

  asio::io_context context_;
  tcp::socket reservation_;
  tcp::acceptor acceptor_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::list<std::weak_ptr<Connection>> connections_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

ChaosProxy::ChaosProxy() : impl_(std::make_unique<Impl>()) {}

ChaosProxy::~ChaosProxy() = default;

std::uint16_t ChaosProxy::Port() const {
  return impl_->Port();
}

void ChaosProxy::SetCentre(std::uint16_t port) {
  impl_->Do([&] { impl_->centre_port = port; });
}

void ChaosProxy::Cut() {
  impl_->Do([&] { impl_->Cut(); });
}

void ChaosProxy::Heal() {
  impl_->Do([&] { impl_->Listen(); });
}

void ChaosProxy::DropAcknowledgements() {
  impl_->Do([&] { impl_->ForEach([](Connection& each) { each.SetDownstream(Mode::kSwallow); }); });
}

void ChaosProxy::HoldDownstream() {
  impl_->Do([&] { impl_->ForEach([](Connection& each) { each.SetDownstream(Mode::kHold); }); });
}

void ChaosProxy::ReleaseDownstream() {
  impl_->Do([&] { impl_->ForEach([](Connection& each) { each.SetDownstream(Mode::kFlow); }); });
}

void ChaosProxy::HoldUpstream() {
  impl_->Do([&] { impl_->ForEach([](Connection& each) { each.SetUpstream(Mode::kHold); }); });
}

void ChaosProxy::ReleaseUpstream() {
  impl_->Do([&] { impl_->ForEach([](Connection& each) { each.SetUpstream(Mode::kFlow); }); });
}

std::size_t ChaosProxy::HeldUpstreamBytes() const {
  return impl_->Do([&] {
    std::size_t bytes = 0;
    impl_->ForEach([&](Connection& each) { bytes += each.HeldUpstreamBytes(); });
    return bytes;
  });
}

void ChaosProxy::Silence(Direction direction) {
  impl_->Do([&] {
    impl_->up = direction == Direction::kDownstream ? Mode::kFlow : Mode::kHold;
    impl_->down = direction == Direction::kUpstream ? Mode::kFlow : Mode::kHold;
    impl_->ForEach([&](Connection& each) { impl_->ApplyTo(each); });
  });
}

void ChaosProxy::EndSilence() {
  impl_->Do([&] {
    impl_->up = impl_->down = Mode::kFlow;
    impl_->ForEach([&](Connection& each) { impl_->ApplyTo(each); });
  });
}

void ChaosProxy::SetLatency(std::chrono::milliseconds latency) {
  impl_->Do([&] {
    impl_->latency = latency;
    impl_->ForEach([&](Connection& each) { each.SetLatency(latency); });
  });
}

std::uint64_t ChaosProxy::Connections() const {
  return impl_->Do([&] { return impl_->accepted; });
}

}  // namespace tillwire
