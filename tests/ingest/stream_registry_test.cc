#include "ingest/acceptance/stream_registry.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

const StreamIdentity kTerminal{"S01", "T1"};

Uuid Instance(std::uint8_t number) {
  Uuid id;
  id.bytes[0] = number;
  return id;
}

TEST_CASE("A newer stream of the same process takes over") {
  StreamRegistry streams;
  int superseded = 0;
  const auto first = streams.Open(kTerminal, Instance(1), 1, [&] { ++superseded; });
  REQUIRE(first);
  CHECK(streams.MayWrite(first->ticket));
  const auto second = streams.Open(kTerminal, Instance(1), 2, [] {});
  REQUIRE(second);
  CHECK(superseded == 1);
  CHECK_FALSE(second->duplicate_terminal);
  CHECK_FALSE(streams.MayWrite(first->ticket));
  CHECK(streams.MayWrite(second->ticket));
}

TEST_CASE("An older generation is refused, also after the newer stream has ended") {
  StreamRegistry streams;
  const auto newer = streams.Open(kTerminal, Instance(1), 5, [] {});
  CHECK_FALSE(streams.Open(kTerminal, Instance(1), 4, [] {}));
  streams.Close(newer->ticket);
  CHECK_FALSE(streams.MayWrite(newer->ticket));
  CHECK_FALSE(streams.Open(kTerminal, Instance(1), 4, [] {}));
  CHECK(streams.Open(kTerminal, Instance(1), 6, [] {}));
}

TEST_CASE("Of two streams with one generation the later wins") {
  StreamRegistry streams;
  const auto first = streams.Open(kTerminal, Instance(1), 1, [] {});
  const auto second = streams.Open(kTerminal, Instance(1), 1, [] {});
  CHECK_FALSE(streams.MayWrite(first->ticket));
  CHECK(streams.MayWrite(second->ticket));
}

TEST_CASE("Processes of one terminal do not evict each other, and are noticed") {
  StreamRegistry streams;
  const auto first = streams.Open(kTerminal, Instance(1), 1, [] {});
  const auto clone = streams.Open(kTerminal, Instance(2), 1, [] {});
  CHECK_FALSE(first->duplicate_terminal);
  CHECK(clone->duplicate_terminal);
  CHECK(streams.MayWrite(first->ticket));
  CHECK(streams.MayWrite(clone->ticket));
  CHECK(streams.OpenStreams() == 2);
  streams.Close(first->ticket);
  CHECK_FALSE(streams.Open(kTerminal, Instance(2), 2, [] {})->duplicate_terminal);
}

TEST_CASE("Terminals are apart") {
  StreamRegistry streams;
  REQUIRE(streams.Open(kTerminal, Instance(1), 5, [] {}));
  const auto other = streams.Open({"S01", "T2"}, Instance(1), 1, [] {});
  REQUIRE(other);
  CHECK_FALSE(other->duplicate_terminal);
}

TEST_CASE("Processes that are long gone are forgotten") {
  StreamRegistry streams;
  for (std::uint8_t number = 1; number <= 10; ++number) {
    streams.Close(streams.Open(kTerminal, Instance(number), 5, [] {})->ticket);
  }
  CHECK(streams.Open(kTerminal, Instance(1), 1, [] {}));
  CHECK_FALSE(streams.Open(kTerminal, Instance(10), 1, [] {}));
}

}  // namespace
}  // namespace tillwire
