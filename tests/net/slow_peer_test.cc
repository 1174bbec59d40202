// The other end is there but does nothing, or nothing useful. Row 20 of the fault list.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <string_view>
#include <vector>

#include "tests/net/network_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Network: the centre stands still, its connections open") {
  if (!HaveNetwork("centre stands still")) return;
  NetworkRig rig("centre stands still");
  rig.Begin();
  rig.Break([&rig] { kill(rig.centre.Pid(), SIGSTOP); });
  rig.Capture(100);
  rig.AwaitDetected("no connection to 10.77.0.2:7400");
  rig.AwaitCaptured();
  rig.Heal([&rig] { kill(rig.centre.Pid(), SIGCONT); });
  rig.AwaitSending(30s);
  rig.Finish();
}

TEST_CASE("Network: the agent stands still, its connection open, and goes on") {
  if (!HaveNetwork("agent stands still")) return;
  NetworkRig rig("agent stands still");
  rig.Begin();
  kill(rig.agent.Pid(), SIGSTOP);
  rig.AwaitForgottenByCentre();
  kill(rig.agent.Pid(), SIGCONT);
  rig.Heal([] {});
  rig.Capture(100);
  rig.AwaitSending(10s);
  rig.Finish();
}

// Connections from the till to the centre that say nothing, or no more than the beginning of HTTP/2.
class IdleConnections {
 public:
  IdleConnections(const NetworkRig& rig, std::uint16_t port, std::size_t count) {
    rig.Till().Run([&] {
      sockaddr_in centre{};
      centre.sin_family = AF_INET;
      centre.sin_port = htons(port);
      inet_pton(AF_INET, NetworkRig::kCentreAddress, &centre.sin_addr);
      for (std::size_t i = 0; i < count; ++i) {
        const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        REQUIRE(made >= 0);
        sockets_.push_back(made);
        connect(made, reinterpret_cast<sockaddr*>(&centre), sizeof centre);
      }
    });
  }
  ~IdleConnections() {
    for (const int each : sockets_) close(each);
  }
  IdleConnections(const IdleConnections&) = delete;
  IdleConnections& operator=(const IdleConnections&) = delete;

  // Has every second one begin; how many could.
  std::size_t Greet() {
    // The preface and an empty SETTINGS frame (RFC 9113).
    constexpr std::string_view kGreeting("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 33);
    std::size_t greeted = 0;
    for (std::size_t i = 0; i < sockets_.size(); i += 2) {
      if (send(sockets_[i], kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL) > 0) ++greeted;
    }
    return greeted;
  }
  // Those that the centre has not ended.
  std::size_t Open() {
    std::size_t open = 0;
    for (const int each : sockets_) {
      std::array<char, 1024> bytes{};
      ssize_t size = 0;
      do {
        size = recv(each, bytes.data(), bytes.size(), 0);
      } while (size > 0);
      if (size < 0 && errno == EAGAIN) ++open;
    }
    return open;
  }

 private:
  std::vector<int> sockets_;
};

// More of them than the centre may have files open. The agent that is connected must not notice, and one that
// comes when they are gone must be let in.
void OutlastSilentConnections(NetworkRig& rig, std::uint16_t port) {
  std::vector<std::string>& launcher = rig.centre.Settings().launcher;
  launcher.insert(launcher.end(), {"prlimit", "--nofile=1024:1024"});
  rig.Begin();
  IdleConnections connections(rig, port, 1500);
  // All of them stand before the first begins: one that begins in the wrong way is ended at once, and makes
  // room.
  const bool refused =
      WaitUntil(30s, [&] { return rig.centre.Log().find("connections are refused") != std::string::npos; });
  INFO("the centre logged:\n" << rig.centre.Log());
  CHECK(refused);
  CHECK(WaitUntil(10s, [&] { return connections.Greet() > 400; }));
  rig.Heal([] {});
  rig.Capture(100);
  rig.AwaitSending(5s);
  rig.AwaitCaptured();
  CHECK(WaitUntil(60s, [&] { return connections.Open() == 0; }, 100ms));
  rig.AwaitConnectedFor(5s);
  rig.Heal([&rig] { rig.Till().Ip("addr del 10.77.0.1/24 dev till0\naddr add 10.77.0.9/24 dev till0\n"); });
  rig.Capture(100);
  rig.AwaitSending(10s);
  rig.Finish();
}

TEST_CASE("Network: many connections to the centre that say nothing") {
  if (!HaveNetwork("1,500 silent connections")) return;
  NetworkRig rig("1,500 silent connections");
  OutlastSilentConnections(rig, NetworkRig::kPort);
}

TEST_CASE("Network: many connections to the centre that should encrypt, and do not") {
  if (!HaveNetwork("1,500 silent connections, TLS")) return;
  NetworkRig rig("1,500 silent connections, TLS");
  rig.SetNames("10.77.0.2 centre.test");
  rig.UseTls();
  OutlastSilentConnections(rig, NetworkRig::kTlsPort);
}

}  // namespace
}  // namespace tillwire
