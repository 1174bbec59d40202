#include "ingest/service/connection_acceptor.h"

#include <sys/resource.h>
#include <unistd.h>

#include <asio.hpp>
#include <catch2/catch.hpp>
#include <mutex>
#include <vector>

#include "tests/support/wait.h"

namespace tillwire {
namespace {

using asio::ip::tcp;

constexpr auto kPatience = std::chrono::seconds(10);

// Keeps what it is given.
class Guests {
 public:
  ~Guests() { CloseAll(); }
  ConnectionAcceptor::Take Take() {
    return [this](int /*listener*/, int connection) {
      const std::lock_guard lock(mutex_);
      open_.push_back(connection);
    };
  }
  std::size_t Count() {
    const std::lock_guard lock(mutex_);
    return open_.size();
  }
  void CloseAll() {
    const std::lock_guard lock(mutex_);
    for (const int each : open_) close(each);
    open_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<int> open_;
};

class Callers {
 public:
  explicit Callers(int port) : port_(static_cast<std::uint16_t>(port)) {}

  void Call(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sockets_.emplace_back(io_);
      sockets_.back().connect({asio::ip::address_v4::loopback(), port_});
      sockets_.back().non_blocking(true);
    }
  }
  // How many were turned away.
  std::size_t TurnedAway() {
    std::size_t count = 0;
    for (tcp::socket& socket : sockets_) {
      char byte = 0;
      asio::error_code error;
      socket.receive(asio::buffer(&byte, 1), 0, error);
      if (error && error != asio::error::would_block) ++count;
    }
    return count;
  }
  void Leave() { sockets_.clear(); }

 private:
  asio::io_context io_;
  const std::uint16_t port_;
  std::vector<tcp::socket> sockets_;
};

// Restores what a test makes of the process's limit.
class FileLimit {
 public:
  FileLimit() { getrlimit(RLIMIT_NOFILE, &before_); }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

  [[nodiscard]] rlim_t Soft() const {
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    return now.rlim_cur;
  }
  void SetSoft(rlim_t files) const {
    const rlimit changed{files, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &changed);
  }

 private:
  rlimit before_{};
};

TEST_CASE("connections beyond the limit are closed, and there is room again when some have gone") {
  // Descriptors of both ends are this process's here, so half as many guests fill it.
  constexpr std::size_t kLimit = 100;
  constexpr std::size_t kWelcome = 40;
  constexpr std::size_t kTooMany = 100;
  Guests guests;
  ConnectionAcceptor acceptor(kLimit);
  const Result<int> port = acceptor.Listen("127.0.0.1:0", guests.Take());
  REQUIRE(port);
  acceptor.Start();
  Callers callers(*port);
  callers.Call(kWelcome);
  CHECK(WaitUntil(kPatience, [&] { return guests.Count() == kWelcome; }));
  callers.Call(kTooMany);
  CHECK(WaitUntil(kPatience, [&] { return guests.Count() + callers.TurnedAway() == kWelcome + kTooMany; }));
  CHECK(guests.Count() <= kLimit);

  callers.Leave();
  guests.CloseAll();
  callers.Call(kWelcome);
  CHECK(WaitUntil(kPatience, [&] { return guests.Count() == kWelcome; }));
}

TEST_CASE("the system's limit of open files is raised for the connections that are wanted") {
  const FileLimit files;
  files.SetSoft(256);
  const ConnectionAcceptor acceptor(1000);
  CHECK(files.Soft() > 1000);
}

TEST_CASE("a name may stand for several addresses, of which all have one port") {
  Guests guests;
  ConnectionAcceptor acceptor(1000);
  const Result<int> port = acceptor.Listen("localhost:0", guests.Take());
  REQUIRE(port);
  CHECK(*port > 0);
  acceptor.Start();
  Callers callers(*port);
  callers.Call(1);
  CHECK(WaitUntil(kPatience, [&] { return guests.Count() == 1; }));
}

TEST_CASE("why an address can't be listened on is said") {
  Guests guests;
  ConnectionAcceptor first(1000);
  const Result<int> port = first.Listen("127.0.0.1:0", guests.Take());
  REQUIRE(port);
  ConnectionAcceptor second(1000);
  const Result<int> again = second.Listen("127.0.0.1:" + std::to_string(*port), guests.Take());
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().message, Catch::Contains("Address already in use"));
  const Result<int> nowhere = second.Listen("no-such-host.invalid:7400", guests.Take());
  REQUIRE_FALSE(nowhere);
  CHECK_FALSE(nowhere.error().message.empty());
}

}  // namespace
}  // namespace tillwire
