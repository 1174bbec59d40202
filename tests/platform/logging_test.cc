#include "platform/logging.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("Log levels are four words") {
  for (const auto* level : {"debug", "info", "warn", "error"}) CHECK(CheckLogLevel(level).ok());
  for (const auto* level : {"", "loud", "off", "trace", "INFO"}) {
    const auto checked = CheckLogLevel(level);
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.error().Text() ==
          "log.level is \"" + std::string(level) + "\"; give debug, info, warn or error");
  }
}

}  // namespace
}  // namespace tillwire
