#include "platform/sealed_file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/sealing_keys.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

using Messages = std::vector<std::string>;

void Seal(const std::filesystem::path& path, const Messages& messages) {
  auto writer = SealedFileWriter::Create(path, TheSealingKeys().sealing);
  REQUIRE(writer);
  for (const std::string& message : messages) REQUIRE((*writer)->Write(message));
  REQUIRE((*writer)->Finish());
  CHECK((*writer)->Bytes() == std::filesystem::file_size(path));
}

// All messages, or why not.
Result<Messages> Open(const std::filesystem::path& path, const OpeningKey& key = TheSealingKeys().opening) {
  auto reader = SealedFileReader::Open(path, key);
  if (!reader) return reader.error();
  Messages messages;
  while (true) {
    auto message = (*reader)->Read();
    if (!message) return message.error();
    if (!message->has_value()) return messages;
    messages.push_back(**message);
  }
}

TEST_CASE("What is sealed is read as it was written") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  const std::size_t chunk = kSealedChunkBytes;
  const Messages messages = GENERATE_COPY(values<Messages>({
      {},
      {""},
      {"one", "", "two"},
      {std::string(chunk - 5, 'a')},               // one chunk less a byte
      {std::string(chunk - 4, 'a')},               // exactly one chunk
      {std::string(chunk - 3, 'a')},               // a byte of a second one
      {std::string(2 * chunk - 8, 'a'), "b"},      // ends with a short chunk
      {std::string(kMaxSealedMessageBytes, 'a')},  // the largest
      Messages(100, std::string(3000, 'a')),       // messages across chunks
  }));
  Seal(path, messages);
  const auto opened = Open(path);
  REQUIRE(opened);
  CHECK(*opened == messages);
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("Content does not show in a sealed file, and is sealed differently each time") {
  const TempDirectory directory;
  Seal(directory.Path() / "one", {"an order's number"});
  Seal(directory.Path() / "two", {"an order's number"});
  const std::string one = ReadWholeFile(directory.Path() / "one");
  CHECK(one.find("order") == std::string::npos);
  CHECK(one != ReadWholeFile(directory.Path() / "two"));
}

TEST_CASE("A message that is too long is refused, and an unfinished file never appears") {
  const TempDirectory directory;
  {
    auto writer = SealedFileWriter::Create(directory.Path() / "file", TheSealingKeys().sealing);
    REQUIRE(writer);
    REQUIRE((*writer)->Write("whole"));
    CHECK_FALSE((*writer)->Write(std::string(kMaxSealedMessageBytes + 1, 'a')));
  }
  CHECK(std::filesystem::is_empty(directory.Path()));
}

TEST_CASE("Each altered bit of a sealed file is found") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  Seal(path, {"first", "second"});
  const std::string whole = ReadWholeFile(path);
  const auto altered_path = directory.Path() / "altered";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string altered = whole;
    altered[i] = static_cast<char>(altered[i] ^ (1 << i % 8));
    WriteWholeFile(altered_path, altered);
    const auto opened = Open(altered_path);
    if (opened) FAIL("byte " << i << " of " << whole.size() << " was altered, and nobody noticed");
  }
  CHECK(whole.size() > 400);
}

TEST_CASE("A sealed file that is cut off at any length, or has a byte more, is found") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  Seal(path, {"first", "second"});
  const std::string whole = ReadWholeFile(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    WriteWholeFile(path, whole.substr(0, size));
    const auto opened = Open(path);
    if (opened) FAIL("cut off at " << size << " of " << whole.size() << ", and nobody noticed");
  }
  WriteWholeFile(path, whole + '\0');
  CHECK_FALSE(Open(path));
}

TEST_CASE("Whole chunks that are missing, swapped or doubled are found") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  Seal(path, {std::string(4 * kSealedChunkBytes, 'a')});
  const std::string whole = ReadWholeFile(path);
  const std::size_t chunk = kSealedChunkBytes + 16;
  const std::size_t head = whole.size() - 4 * chunk - (4 + 16);
  const auto part = [&](std::size_t number) { return whole.substr(head + number * chunk, chunk); };
  const std::string begin = whole.substr(0, head);
  const std::string end = whole.substr(head + 4 * chunk);
  REQUIRE(begin + part(0) + part(1) + part(2) + part(3) + end == whole);
  const auto refused = [&](const std::string& content) {
    WriteWholeFile(path, content);
    const auto opened = Open(path);
    return !opened && opened.error().code == ErrorCode::kDataLoss;
  };
  CHECK(refused(begin + part(0) + part(1) + part(3) + end));
  CHECK(refused(begin + part(0) + part(2) + part(1) + part(3) + end));
  CHECK(refused(begin + part(0) + part(0) + part(1) + part(2) + part(3) + end));
  CHECK(refused(begin + end));
  CHECK(refused(begin + part(0) + part(1) + part(2) + part(3)));
  WriteWholeFile(path, begin + part(0) + part(1));
  CHECK_THAT(Open(path).error().message, Catch::Contains("cut off"));
}

TEST_CASE("A chunk of another file of the same key is found") {
  const TempDirectory directory;
  Seal(directory.Path() / "one", {std::string(100, 'a')});
  Seal(directory.Path() / "two", {std::string(100, 'b')});
  const std::string one = ReadWholeFile(directory.Path() / "one");
  const std::string two = ReadWholeFile(directory.Path() / "two");
  const std::size_t body = 104 + 16;
  WriteWholeFile(directory.Path() / "mixed",
                 one.substr(0, one.size() - body) + two.substr(two.size() - body));
  CHECK(Open(directory.Path() / "mixed").error().code == ErrorCode::kDataLoss);
}

TEST_CASE("What can't be opened is named with its reason") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  SECTION("another key") {
    static const TestSealingKeys other;
    Seal(path, {"message"});
    const auto opened = Open(path, other.opening);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(opened.error().message,
               Catch::Contains(TheSealingKeys().opening.Fingerprint().ToHex().substr(0, 16)));
    CHECK_THAT(opened.error().message, Catch::Contains(other.opening.Fingerprint().ToHex().substr(0, 16)));
  }
  SECTION("no sealed file") {
    WriteWholeFile(path, "position,kind\n1,cancellation\n");
    CHECK_THAT(Open(path).error().message, Catch::Contains("is no export file"));
  }
  SECTION("an empty file") {
    WriteWholeFile(path, "");
    CHECK_THAT(Open(path).error().message, Catch::Contains("is no export file"));
  }
  SECTION("a newer format") {
    Seal(path, {"message"});
    std::string content = ReadWholeFile(path);
    content[8] = 2;
    WriteWholeFile(path, content);
    CHECK(Open(path).error().code == ErrorCode::kFailedPrecondition);
    CHECK_THAT(Open(path).error().message, Catch::Contains("version 2"));
  }
  SECTION("a file that is not there") {
    CHECK_THAT(Open(path).error().message, Catch::Contains(path.string()));
  }
}

}  // namespace
}  // namespace tillwire
