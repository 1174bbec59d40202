#include "platform/network_address.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("An address is host and port") {
  const auto name = ParseNetworkAddress("ingest.example.com:7400");
  REQUIRE(name);
  CHECK(name->host == "ingest.example.com");
  CHECK(name->port == 7400);
  const auto number = ParseNetworkAddress("[::1]:0");
  REQUIRE(number);
  CHECK(number->host == "::1");
  CHECK(number->port == 0);
  CHECK(ParseNetworkAddress("127.0.0.1:65535")->port == 65535);
}

TEST_CASE("What is not host and port is no address") {
  const auto* text = GENERATE("", ":", "7400", "localhost", "localhost:", ":7400", "[]:7400",
                              "localhost:65536", "localhost:-1", "localhost:74x", "::1:7400", "[::1:7400",
                              "::1]:7400", "[::1]", "http://localhost:7400", "a b:1");
  CAPTURE(text);
  CHECK_FALSE(ParseNetworkAddress(text));
}

TEST_CASE("Loopback is what can't be anything else") {
  for (const auto* host : {"localhost", "::1", "127.0.0.1", "127.0.0.53"}) CHECK(IsLoopback(host));
  for (const auto* host :
       {"", "::", "0.0.0.0", "10.0.0.1", "127.evil.example", "localhost.example", "::1.example"})
    CHECK_FALSE(IsLoopback(host));
}

}  // namespace
}  // namespace tillwire
