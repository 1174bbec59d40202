#include "tests/support/chaos_proxy.h"

#include <asio.hpp>
#include <catch2/catch.hpp>
#include <string>

#include "tests/support/wait.h"

namespace tillwire {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;

// Both ends of a connection through the proxy.
class ProxiedPair {
 public:
  ProxiedPair(asio::io_context& context, std::uint16_t proxy_port, tcp::acceptor& centre_listener)
      : agent(context), centre(context) {
    agent.connect({asio::ip::address_v4::loopback(), proxy_port});
    centre = centre_listener.accept();
  }

  tcp::socket agent;
  tcp::socket centre;
};

void Send(tcp::socket& socket, const std::string& text) {
  asio::write(socket, asio::buffer(text));
}

// What has arrived as soon as it is `size` bytes; fewer if they don't come.
std::string Receive(tcp::socket& socket, std::size_t size) {
  WaitUntil(5s, [&] { return socket.available() >= size; });
  std::string text(std::min(size, socket.available()), '\0');
  asio::read(socket, asio::buffer(text));
  return text;
}

bool Closed(tcp::socket& socket) {
  socket.non_blocking(true);
  return WaitUntil(5s, [&] {
    char byte = 0;
    std::error_code error;
    socket.read_some(asio::buffer(&byte, 1), error);
    return error && error != asio::error::would_block && error != asio::error::try_again;
  });
}

class ProxyFixture {
 public:
  ProxyFixture() { proxy.SetCentre(listener.local_endpoint().port()); }
  ProxiedPair Connect() { return {context, proxy.Port(), listener}; }
  bool Refused() {
    std::error_code error;
    tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), proxy.Port()}, error);
    return error == asio::error::connection_refused;
  }

  asio::io_context context;
  tcp::acceptor listener{context, {asio::ip::address_v4::loopback(), 0}};
  ChaosProxy proxy;
};

TEST_CASE_METHOD(ProxyFixture, "A healthy link carries both directions") {
  ProxiedPair pair = Connect();
  Send(pair.agent, "batch");
  CHECK(Receive(pair.centre, 5) == "batch");
  Send(pair.centre, "result");
  CHECK(Receive(pair.agent, 6) == "result");
}

TEST_CASE_METHOD(ProxyFixture, "A cut ends connections and refuses new ones until it heals") {
  ProxiedPair pair = Connect();
  proxy.Cut();
  CHECK(Closed(pair.agent));
  CHECK(Closed(pair.centre));
  CHECK(Refused());

  proxy.Heal();
  ProxiedPair next = Connect();
  Send(next.agent, "again");
  CHECK(Receive(next.centre, 5) == "again");
  CHECK(proxy.Connections() == 2);
}

TEST_CASE_METHOD(ProxyFixture, "Dropped acknowledgements never arrive, while the agent's bytes do") {
  ProxiedPair pair = Connect();
  Send(pair.agent, "first");
  REQUIRE(Receive(pair.centre, 5) == "first");
  proxy.DropAcknowledgements();
  Send(pair.centre, "result");
  Send(pair.agent, "second");
  CHECK(Receive(pair.centre, 6) == "second");

  ProxiedPair next = Connect();
  Send(next.centre, "welcome");
  CHECK(Receive(next.agent, 7) == "welcome");
  CHECK(pair.agent.available() == 0);
}

TEST_CASE_METHOD(ProxyFixture,
                 "In silence nothing arrives, on new connections neither, and afterwards all does") {
  ProxiedPair pair = Connect();
  proxy.Silence(ChaosProxy::Direction::kBoth);
  ProxiedPair next = Connect();
  Send(pair.agent, "up");
  Send(pair.centre, "down");
  Send(next.agent, "new");
  REQUIRE(WaitUntil(5s, [&] { return proxy.HeldUpstreamBytes() == 5; }));
  CHECK(pair.centre.available() == 0);
  CHECK(pair.agent.available() == 0);

  proxy.Silence(ChaosProxy::Direction::kDownstream);
  CHECK(Receive(pair.centre, 2) == "up");
  CHECK(Receive(next.centre, 3) == "new");
  CHECK(pair.agent.available() == 0);
  proxy.EndSilence();
  CHECK(Receive(pair.agent, 4) == "down");
}

TEST_CASE_METHOD(ProxyFixture, "Held acknowledgements arrive late and in order") {
  ProxiedPair pair = Connect();
  Send(pair.agent, "hello");
  REQUIRE(Receive(pair.centre, 5) == "hello");
  proxy.HoldDownstream();
  Send(pair.centre, "one");
  Send(pair.agent, "more");
  REQUIRE(Receive(pair.centre, 4) == "more");
  Send(pair.centre, "two");
  CHECK(pair.agent.available() == 0);

  proxy.ReleaseDownstream();
  CHECK(Receive(pair.agent, 6) == "onetwo");
}

TEST_CASE_METHOD(ProxyFixture, "What a dead agent sent arrives after what its successor sent") {
  ProxiedPair old_pair = Connect();
  Send(old_pair.agent, "hello");
  REQUIRE(Receive(old_pair.centre, 5) == "hello");
  proxy.HoldUpstream();
  Send(old_pair.agent, "batch");
  REQUIRE(WaitUntil(5s, [&] { return proxy.HeldUpstreamBytes() == 5; }));
  old_pair.agent.close();

  ProxiedPair new_pair = Connect();
  Send(new_pair.agent, "batch");
  CHECK(Receive(new_pair.centre, 5) == "batch");
  CHECK(old_pair.centre.available() == 0);

  proxy.ReleaseUpstream();
  CHECK(Receive(old_pair.centre, 5) == "batch");
  Send(old_pair.centre, "result that nobody reads");
  Send(new_pair.centre, "result");
  CHECK(Receive(new_pair.agent, 6) == "result");
}

TEST_CASE_METHOD(ProxyFixture, "Latency delays each direction") {
  proxy.SetLatency(50ms);
  ProxiedPair pair = Connect();
  const auto begin = std::chrono::steady_clock::now();
  Send(pair.agent, "ping");
  REQUIRE(Receive(pair.centre, 4) == "ping");
  Send(pair.centre, "pong");
  REQUIRE(Receive(pair.agent, 4) == "pong");
  CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
}

TEST_CASE("Without a centre, connections end at once") {
  asio::io_context context;
  ChaosProxy proxy;
  tcp::socket agent(context);
  agent.connect({asio::ip::address_v4::loopback(), proxy.Port()});
  CHECK(Closed(agent));
}

}  // namespace
}  // namespace tillwire
