#include "platform/metrics_server.h"

#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/http_get.h"

namespace tillwire {
namespace {

std::uint16_t PortOf(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

MetricsServer::Pages Pages() {
  return {[] { return std::string("a 1\n"); }, [] { return Result<void>(); }};
}

TEST_CASE("Two pages are served, and nothing else") {
  const auto server = MetricsServer::Start({"127.0.0.1:0"}, Pages());
  REQUIRE(server.ok());
  CHECK_THAT((*server)->Address(), Catch::StartsWith("127.0.0.1:"));
  const std::uint16_t port = PortOf((*server)->Address());
  const HttpReply metrics = HttpGet(port, "/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.body == "a 1\n");
  CHECK_THAT(metrics.headers, Catch::Contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  const HttpReply health = HttpGet(port, "/healthz");
  CHECK(health.status == 200);
  CHECK(health.body == "ok\n");
  for (const auto* path : {"/", "/metrics/", "/metricsx", "/x/metrics", "/../etc/passwd"}) {
    CHECK(HttpGet(port, path).status / 100 == 4);
  }
  CHECK(HttpRequest(port, "POST", "/metrics", "Content-Length: 0\r\n").status == 404);
  CHECK(HttpRequest(port, "POST", "/metrics", "Content-Length: 1000000\r\n").status / 100 == 4);
  CHECK(HttpGet(port, "/metrics?name=x").status == 200);
}

TEST_CASE("A body is never compressed, and a connection never kept") {
  const auto server = MetricsServer::Start({"127.0.0.1:0"}, Pages());
  REQUIRE(server.ok());
  const HttpReply reply = HttpRequest(PortOf((*server)->Address()), "GET", "/metrics",
                                      "Accept-Encoding: gzip, br\r\nConnection: keep-alive\r\n");
  CHECK(reply.body == "a 1\n");
  CHECK_THAT(reply.headers, !Catch::Contains("Content-Encoding"));
  CHECK_THAT(reply.headers, Catch::Contains("Connection: close"));
}

TEST_CASE("What is not healthy says why") {
  const auto server = MetricsServer::Start(
      {"127.0.0.1:0"},
      {[] { return ""; }, [] { return Error{ErrorCode::kUnavailable, "the disk hangs", "look at it"}; }});
  REQUIRE(server.ok());
  const HttpReply reply = HttpGet(PortOf((*server)->Address()), "/healthz");
  CHECK(reply.status == 503);
  CHECK(reply.body == "the disk hangs; look at it\n");
}

TEST_CASE("A port in use is named with the remedy, and is never shared") {
  const auto first = MetricsServer::Start({"127.0.0.1:0"}, Pages());
  REQUIRE(first.ok());
  const auto second = MetricsServer::Start({(*first)->Address()}, Pages());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::kUnavailable);
  CHECK(second.error().Text() == "cannot listen on metrics.listen " + (*first)->Address() +
                                     ": Address already in use; stop the program that uses it (ss -ltnp), or "
                                     "change metrics.listen, and restart");
  CHECK(StartMetricsServer({(*first)->Address()}, Pages()) == nullptr);
  CHECK(StartMetricsServer({""}, Pages()) == nullptr);
}

TEST_CASE("A client that says nothing does not keep others waiting for long") {
  const auto server = MetricsServer::Start({"127.0.0.1:0"}, Pages());
  REQUIRE(server.ok());
  const std::uint16_t port = PortOf((*server)->Address());
  const int silent = OpenConnection(port);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(HttpGet(port, "/metrics").status == 200);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(8));
  close(silent);
}

TEST_CASE("Callers at the same time are served one after the other, and stopping waits for none") {
  std::atomic<int> served = 0;
  auto server = MetricsServer::Start({"127.0.0.1:0"}, {[&] {
                                                         ++served;
                                                         return std::string(200'000, 'a') + "\n";
                                                       },
                                                       [] { return Result<void>(); }});
  REQUIRE(server.ok());
  const std::uint16_t port = PortOf((*server)->Address());
  std::vector<std::thread> callers;
  std::atomic<int> whole = 0;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int k = 0; k < 10; ++k) whole += HttpGet(port, "/metrics").body.size() == 200'001 ? 1 : 0;
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(whole == 40);
  CHECK(served == 40);
  server->reset();
  CHECK(HttpGet(port, "/metrics").status == 0);
}

TEST_CASE("Metrics are for this machine, unless somebody says that they may leave it") {
  CHECK(CheckMetricsConfig({""}).ok());
  CHECK(CheckMetricsConfig({"127.0.0.1:7411"}).ok());
  CHECK(CheckMetricsConfig({"[::1]:0"}).ok());
  CHECK(CheckMetricsConfig({"0.0.0.0:7411", true}).ok());
  const auto open = CheckMetricsConfig({"0.0.0.0:7411"});
  REQUIRE_FALSE(open.ok());
  CHECK(open.error().Text() ==
        "metrics.listen 0.0.0.0:7411 is reachable from other machines, and this service speaks plaintext; "
        "listen on 127.0.0.1, or set metrics.insecure = true if the network is protected otherwise");
  const auto wrong = CheckMetricsConfig({"7411"});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().Text() ==
        "metrics.listen is \"7411\"; give it as host:port, for example 127.0.0.1:7411 or [::1]:7411, or \"\" "
        "for none");
}

}  // namespace
}  // namespace tillwire
