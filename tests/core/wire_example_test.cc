// The worked example of docs/wire-protocol.md, read from the document itself: whoever implements the protocol
// from that page gets the hashes that the code computes.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>

#include "core/derived_event_id.h"
#include "core/hash.h"

namespace tillwire {
namespace {

std::string Trim(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The "name = value" lines in the document's text blocks. An indented line continues the value above it;
// spaces within a value and what follows a '#' are for the reader.
std::map<std::string, std::string> ReadExample() {
  std::ifstream document(TILLWIRE_DOCS "/wire-protocol.md");
  REQUIRE(document.is_open());
  std::map<std::string, std::string> values;
  std::string line;
  std::string name;
  bool in_block = false;
  while (std::getline(document, line)) {
    if (line.starts_with("```")) {
      in_block = line == "```text";
      continue;
    }
    if (!in_block) continue;
    line = line.substr(0, line.find('#'));
    const auto equals = line.find('=');
    if (equals != std::string::npos) {
      name = Trim(line.substr(0, equals));
      line = line.substr(equals + 1);
    }
    for (const char c : line) {
      if (c != ' ') values[name].push_back(c);
    }
  }
  return values;
}

class Example {
 public:
  std::string Text(const std::string& name) const {
    INFO("docs/wire-protocol.md must have a value for " << name);
    REQUIRE(values_.contains(name));
    return values_.at(name);
  }

  std::string Bytes(const std::string& name) const {
    const std::string hex = Text(name);
    REQUIRE(hex.size() % 2 == 0);
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
  }

  Hash HashOf(const std::string& name) const {
    const auto hash = Hash::FromBytes(Bytes(name));
    REQUIRE(hash.has_value());
    return *hash;
  }

  std::uint64_t Epoch() const { return std::stoull(Text("epoch"), nullptr, 16); }

 private:
  std::map<std::string, std::string> values_ = ReadExample();
};

TEST_CASE("The documented genesis hash is the code's") {
  const Example example;
  CHECK(Sha256(example.Bytes("genesis_input")) == example.HashOf("genesis"));
  CHECK(GenesisHash(example.Text("store_id"), example.Text("terminal_id"), example.Epoch(), Hash{}) ==
        example.HashOf("genesis"));
}

TEST_CASE("The documented first record has the code's hash") {
  const Example example;
  CHECK(Sha256(example.Bytes("record_1_event")) == example.HashOf("record_1_content"));
  CHECK(Sha256(example.Bytes("record_1_input")) == example.HashOf("record_1_hash"));
  CHECK(RecordHash({example.Epoch(), 1}, example.Text("lane"), std::nullopt, example.HashOf("genesis"),
                   example.Bytes("record_1_event")) == example.HashOf("record_1_hash"));
}

TEST_CASE("The documented second record follows the first in its epoch and in its lane") {
  const Example example;
  const RecordRef first{{example.Epoch(), 1}, example.HashOf("record_1_hash")};
  CHECK(Sha256(example.Bytes("record_2_event")) == example.HashOf("record_2_content"));
  CHECK(Sha256(example.Bytes("record_2_input")) == example.HashOf("record_2_hash"));
  CHECK(RecordHash({example.Epoch(), 2}, example.Text("lane"), first, first.hash,
                   example.Bytes("record_2_event")) == example.HashOf("record_2_hash"));
}

TEST_CASE("The documented event id follows from the key and the time") {
  const Example example;
  const std::int64_t micros = std::stoll(example.Text("occur_time_us"));
  const Hash name = ActionNameHash(example.Text("store_id"), example.Text("terminal_id"),
                                   example.Text("idempotency_key"), micros);
  CHECK(Sha256(example.Bytes("action_input")) == example.HashOf("action_hash"));
  CHECK(name == example.HashOf("action_hash"));
  const Uuid id = DerivedEventId(example.Text("store_id"), example.Text("terminal_id"),
                                 example.Text("idempotency_key"), FromMicros(micros));
  CHECK(id.ToString() == example.Text("derived_event_id"));
  CHECK(id.MayNameEvent());
}

}  // namespace
}  // namespace tillwire
