#include "storage/high_water_mark.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

RecordRef Mark(std::uint64_t sequence) {
  return {{0xfeed, sequence}, Sha256(std::to_string(sequence))};
}

TEST_CASE("the newest mark is found again") {
  const TempDirectory directory;
  const auto path = directory.Path() / "outbox.hwm";
  {
    auto mark = HighWaterMark::Open(path);
    REQUIRE(mark.ok());
    CHECK_FALSE((*mark)->AtOpen());
    for (std::uint64_t i = 1; i <= 5; ++i) (*mark)->Write(Mark(i));
    CHECK((*mark)->Sync().ok());
  }
  auto again = HighWaterMark::Open(path);
  REQUIRE(again.ok());
  CHECK((*again)->AtOpen() == Mark(5));
}

TEST_CASE("a torn slot leaves the mark before it") {
  const TempDirectory directory;
  const auto path = directory.Path() / "outbox.hwm";
  {
    auto mark = HighWaterMark::Open(path);
    REQUIRE(mark.ok());
    (*mark)->Write(Mark(1));
    (*mark)->Write(Mark(2));
  }
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);  // the second mark lies in the first slot
    file.put('\x7f');
  }
  auto again = HighWaterMark::Open(path);
  REQUIRE(again.ok());
  CHECK((*again)->AtOpen() == Mark(1));
  (*again)->Write(Mark(3));
  again = HighWaterMark::Open(path);
  REQUIRE(again.ok());
  CHECK((*again)->AtOpen() == Mark(3));
}

}  // namespace
}  // namespace tillwire
