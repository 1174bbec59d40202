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

TEST_CASE("one who only reads locks the same file, makes it where it is absent, and is named") {
  const TempDirectory directory;
  const auto path = directory.Path() / "outbox.lock";
  {
    const auto reader = OwnerLock::TakeToRead(path, "outbox", "tillwire");
    REQUIRE(reader.ok());
    CHECK_THAT(OwnerLock::Take(path, "outbox", "tillwired").error().Text(),
               Catch::Contains("(tillwire); stop it"));
  }
  const auto owner = OwnerLock::Take(path, "outbox", "tillwired");
  REQUIRE(owner.ok());
  const auto reader = OwnerLock::TakeToRead(path, "outbox", "tillwire");
  REQUIRE_FALSE(reader.ok());
  CHECK(reader.error().code == ErrorCode::kFailedPrecondition);
  CHECK(reader.error().Text() == "outbox is in use by process " + std::to_string(getpid()) +
                                     " (tillwired); an agent that runs delivers by itself; stop it first if "
                                     "it can't");
}

}  // namespace
}  // namespace tillwire
