#include "platform/new_file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

TEST_CASE("A new file appears when it is finished, with its mode, and leaves nothing else") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  {
    auto file = NewFile::Create(path, 0600);
    REQUIRE(file);
    REQUIRE(file->Write("some "));
    REQUIRE(file->Write("bytes"));
    CHECK_FALSE(std::filesystem::exists(path));
    REQUIRE(file->Finish());
    CHECK(ReadWholeFile(path) == "some bytes");
  }
  CHECK(ReadWholeFile(path) == "some bytes");
  struct stat status{};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK_FALSE(std::filesystem::exists(path.string() + ".part"));
}

TEST_CASE("A new file that is not finished leaves nothing") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  {
    auto file = NewFile::Create(path, 0600);
    REQUIRE(file);
    REQUIRE(file->Write("half"));
  }
  CHECK(std::filesystem::is_empty(directory.Path()));
}

TEST_CASE("A file is never overwritten") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  WriteWholeFile(path, "older");
  SECTION("that was there before") {
    const auto file = NewFile::Create(path, 0600);
    REQUIRE_FALSE(file);
    CHECK(file.error().code == ErrorCode::kAlreadyExists);
    CHECK_THAT(file.error().Text(), Catch::Contains(path.string()));
  }
  SECTION("that came meanwhile") {
    std::filesystem::remove(path);
    auto file = NewFile::Create(path, 0600);
    REQUIRE(file);
    WriteWholeFile(path, "older");
    const auto finished = file->Finish();
    REQUIRE_FALSE(finished);
    CHECK(finished.error().code == ErrorCode::kAlreadyExists);
  }
  CHECK(ReadWholeFile(path) == "older");
}

TEST_CASE("Two can't write the same new file, and what a killed one left is overwritten") {
  const TempDirectory directory;
  const auto path = directory.Path() / "file";
  WriteWholeFile(path.string() + ".part", "left by one that was killed");
  auto first = NewFile::Create(path, 0600);
  REQUIRE(first);
  const auto second = NewFile::Create(path, 0600);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kUnavailable);
  REQUIRE(first->Write("new"));
  REQUIRE(first->Finish());
  CHECK(ReadWholeFile(path) == "new");
}

TEST_CASE("A folder that does not exist is named") {
  const TempDirectory directory;
  const auto file = NewFile::Create(directory.Path() / "absent" / "file", 0600);
  REQUIRE_FALSE(file);
  CHECK_THAT(file.error().Text(), Catch::Contains("absent/file"));
}

}  // namespace
}  // namespace tillwire
