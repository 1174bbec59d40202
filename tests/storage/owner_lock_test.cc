#include "storage/owner_lock.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

TEST_CASE("a second owner is told who the first is, until that one is gone") {
  const TempDirectory directory;
  const auto path = directory.Path() / "outbox.lock";
  auto first = OwnerLock::Take(path, "outbox", "tillwired");
  REQUIRE(first.ok());
  const auto second = OwnerLock::Take(path, "outbox", "tillwired");
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().Text() == "outbox is locked by process " + std::to_string(getpid()) +
                                     " (tillwired); stop it or use its socket");
  first->reset();
  CHECK(OwnerLock::Take(path, "outbox", "tillwired").ok());
}

}  // namespace
}  // namespace tillwire
