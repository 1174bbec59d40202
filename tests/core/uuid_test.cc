#include "core/uuid.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/derived_event_id.h"

namespace tillwire {
namespace {

// Counts up, so that what is random in an id can be foreseen. Tests below share it between threads only
// through UuidGenerator, which does not serialize its calls; hence the atomic.
class CountingRng final : public Rng {
 public:
  std::uint64_t Next() override { return next_++; }

 private:
  std::atomic<std::uint64_t> next_ = 1;
};

WallTime AtMillis(std::int64_t millis) {
  return WallTime(std::chrono::milliseconds(millis));
}

std::int64_t MillisOf(const Uuid& uuid) {
  std::int64_t millis = 0;
  for (std::size_t i = 0; i < 6; ++i) millis = millis << 8 | uuid.bytes[i];
  return millis;
}

TEST_CASE("An event id carries version 7, the RFC's variant and the time") {
  CountingRng rng;
  UuidGenerator generator(rng);
  const Uuid uuid = generator.Make(AtMillis(0x019bc2f67a00));
  CHECK(uuid.ToString().substr(0, 15) == "019bc2f6-7a00-7");
  CHECK((uuid.bytes[8] & 0xc0) == 0x80);
  CHECK(MillisOf(uuid) == 0x019bc2f67a00);
}

TEST_CASE("A derived id is the same for the same action, and another for any other") {
  const WallTime time = AtMillis(0x019bc2f67a00) + std::chrono::microseconds(7);
  const Uuid id = DerivedEventId("0042", "till-3", "key-1", time);
  CHECK(id.ToString().substr(0, 15) == "019bc2f6-7a00-8");
  CHECK(id.MayNameEvent());
  CHECK(DerivedEventId("0042", "till-3", "key-1", time) == id);
  CHECK(DerivedEventId("0043", "till-3", "key-1", time) != id);
  CHECK(DerivedEventId("0042", "till-4", "key-1", time) != id);
  CHECK(DerivedEventId("0042", "till-3", "key-2", time) != id);
  CHECK(DerivedEventId("0042", "till-3", "key-1", time + std::chrono::microseconds(1)) != id);
  CHECK(DerivedEventId("0042t", "ill-3", "key-1", time) != id);  // the fields are told apart
  const Uuid early = DerivedEventId("0042", "till-3", "key-1", AtMillis(-5));
  CHECK(MillisOf(early) == 0);
  CHECK(early.MayNameEvent());
}

TEST_CASE("The beginning of an id stands for all ids that begin so") {
  const auto range = UuidsThatBegin("01A21007-e0c4-7");
  REQUIRE(range);
  CHECK(range->first.ToString() == "01a21007-e0c4-7000-0000-000000000000");
  CHECK(range->last.ToString() == "01a21007-e0c4-7fff-ffff-ffffffffffff");
  const std::string whole = "01a21007-e0c4-7000-b22e-1fcfd7c4736f";
  CHECK(UuidsThatBegin(whole)->first == UuidsThatBegin(whole)->last);
  for (const char* wrong :
       {"01a2100", "01a21007e", "01a21007-e0c4-7000-b22e-1fcfd7c4736f0", "01a2100g", ""}) {
    INFO(wrong);
    CHECK_FALSE(UuidsThatBegin(wrong));
  }
}

TEST_CASE("Ids ascend within a millisecond, beyond its counter, and when the clock steps back") {
  CountingRng rng;
  UuidGenerator generator(rng);
  Uuid last = generator.Make(AtMillis(1000));
  for (int i = 0; i < 5000; ++i) {  // more than the 4096 that a millisecond has room for
    const Uuid next = generator.Make(AtMillis(1000));
    REQUIRE(last < next);
    last = next;
  }
  CHECK(MillisOf(last) == 1001);
  for (const std::int64_t millis : {5, 0, -7, 1000, 2000, 1999}) {
    const Uuid next = generator.Make(AtMillis(millis));
    CHECK(last < next);
    last = next;
  }
}

TEST_CASE("Ids from several threads are distinct") {
  CountingRng rng;
  UuidGenerator generator(rng);
  std::vector<std::vector<Uuid>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) mine.push_back(generator.Make(AtMillis(1000)));
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<Uuid> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == 4000);
}

TEST_CASE("Canonical text is read back, in either case") {
  const std::string text = "019bc2f6-7a00-7abc-8def-00000000a001";
  const auto uuid = Uuid::Parse(text);
  REQUIRE(uuid.has_value());
  CHECK(uuid->ToString() == text);
  CHECK(Uuid::Parse("019BC2F6-7A00-7ABC-8DEF-00000000A001") == uuid);
  CHECK(Uuid::FromBytes(uuid->AsBytes()) == uuid);
}

TEST_CASE("Anything but canonical text is refused") {
  CHECK_FALSE(Uuid::Parse(""));
  CHECK_FALSE(Uuid::Parse("019bc2f67a007abc8def00000000a001"));
  CHECK_FALSE(Uuid::Parse("{019bc2f6-7a00-7abc-8def-00000000a00}"));
  CHECK_FALSE(Uuid::Parse("019bc2f6-7a00-7abc-8def-00000000a0012"));
  CHECK_FALSE(Uuid::Parse("019bc2f6-7a00-7abc-8def-00000000a00g"));
  CHECK_FALSE(Uuid::Parse("019bc2f6-7a00-7abc-8def_00000000a001"));
  CHECK_FALSE(Uuid::FromBytes("fifteen bytes.."));
}

}  // namespace
}  // namespace tillwire
