#include "core/hash.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/record.h"

namespace tillwire {
namespace {

Record SampleRecord() {
  Record record;
  record.id = {7, 2};
  record.lane = "order:A";
  record.lane_predecessor = RecordRef{{7, 1}, Sha256("one")};
  record.previous_hash = Sha256("one");
  record.event = "bytes";
  record.hash =
      RecordHash(record.id, record.lane, record.lane_predecessor, record.previous_hash, record.event);
  return record;
}

TEST_CASE("SHA-256 gives the published digests") {
  // FIPS 180-4, examples for SHA-256.
  CHECK(Sha256("").ToHex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256("abc").ToHex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("A hash is made from exactly 32 bytes") {
  const Hash hash = Sha256("x");
  CHECK(Hash::FromBytes(hash.AsBytes()) == hash);
  CHECK_FALSE(Hash::FromBytes(""));
  CHECK_FALSE(Hash::FromBytes(hash.AsBytes().substr(1)));
  CHECK_FALSE(Hash::FromBytes(std::string(hash.AsBytes()) + "x"));
}

TEST_CASE("A change to any field changes a record's hash") {
  const Record original = SampleRecord();
  REQUIRE(original.HashMatches());
  std::vector<Record> altered(8, original);
  altered[0].id.epoch = 8;
  altered[1].id.sequence = 3;
  altered[2].lane = "order:B";
  altered[3].lane_predecessor.reset();
  altered[4].lane_predecessor->id.epoch = 6;
  altered[5].lane_predecessor->hash = Sha256("another");
  altered[6].previous_hash = Sha256("another");
  altered[7].event = "byteS";
  for (std::size_t i = 0; i < altered.size(); ++i) {
    INFO("alteration " << i);
    CHECK_FALSE(altered[i].HashMatches());
  }
}

TEST_CASE("A record's origin is not part of its hash") {
  Record record = SampleRecord();
  record.origin = RecordRef{{3, 9}, Sha256("first identity")};
  CHECK(record.HashMatches());
}

TEST_CASE("Bytes can't move from one field into the next") {
  CHECK(GenesisHash("ab", "c", 1, {}) != GenesisHash("a", "bc", 1, {}));
  CHECK(RecordHash({1, 1}, "ab", std::nullopt, {}, "") != RecordHash({1, 1}, "a", std::nullopt, {}, "b"));
}

TEST_CASE("Genesis depends on store, terminal, epoch and the history before") {
  const std::set<Hash> hashes = {
      GenesisHash("s", "t", 1, {}), GenesisHash("S", "t", 1, {}),          GenesisHash("s", "T", 1, {}),
      GenesisHash("s", "t", 2, {}), GenesisHash("s", "t", 1, Sha256("h")),
  };
  CHECK(hashes.size() == 5);
}

}  // namespace
}  // namespace tillwire
