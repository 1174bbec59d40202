#include "core/spool_name.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("A name is the counter with leading zeros, and the key") {
  CHECK(MakeSpoolName(1'780'000'000'000'000, "pos-117") == "00001780000000000000-pos-117.json");
  CHECK(CounterOfSpoolName(MakeSpoolName(1'780'000'000'000'000, "k")) == 1'780'000'000'000'000U);
  CHECK(MakeSpoolName(9, "z") < MakeSpoolName(10, "a"));
}

TEST_CASE("What can't stand in a name is replaced, and a long key is cut") {
  CHECK(SpoolNameEnd("a/b c\n\xC3\xA9") == "-a_b_c___.json");
  CHECK(SpoolNameEnd("../../etc") == "-.._.._etc.json");
  CHECK(MakeSpoolName(1, std::string(500, 'k')).size() < 200);
}

TEST_CASE("The key of a name is what follows the counter") {
  CHECK(KeyOfSpoolName("00001780000000000000-pos-117.json") == "pos-117");
  CHECK(KeyOfSpoolName("00000000000000000001-4711.2") == "4711.2");
}

TEST_CASE("A name without a counter, or with nothing behind it, has no key") {
  for (const char* name : {"20260504-0001.json", "1-4711", "clear.json", "-k", "00001780000000000000.json",
                           "00001780000000000000-", "00001780000000000000-.json", "99999999999999999999-k",
                           "0000178000000000000x-k", ""}) {
    INFO(name);
    CHECK_FALSE(KeyOfSpoolName(name));
  }
}

TEST_CASE("Only 20 digits that a clock may have given are a counter") {
  CHECK_FALSE(CounterOfSpoolName("1780000000000000-k"));
  CHECK_FALSE(CounterOfSpoolName("0000178000000000000x-k"));
  CHECK_FALSE(CounterOfSpoolName("00001780000000000000"));
  CHECK_FALSE(CounterOfSpoolName("99999999999999999999-k"));
  CHECK_FALSE(CounterOfSpoolName("00100000000000000000-k"));
  CHECK(CounterOfSpoolName("00099999999999999999-k") == kMaxSpoolCounter - 1);
  CHECK_FALSE(CounterOfSpoolName(""));
}

}  // namespace
}  // namespace tillwire
