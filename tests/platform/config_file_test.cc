#include "platform/config_file.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

using std::chrono::milliseconds;

class Fixture {
 protected:
  ConfigFile Open(const std::string& content) {
    std::ofstream(Path()) << content;
    auto file = ConfigFile::Open(Path());
    REQUIRE(file.ok());
    return std::move(file).value();
  }

  // What Finish() says, without the file's path.
  std::string Problem(const ConfigFile& file) {
    const auto finished = file.Finish();
    REQUIRE_FALSE(finished.ok());
    CHECK(finished.error().code == ErrorCode::kInvalidArgument);
    const std::string text = finished.error().Text();
    REQUIRE(text.starts_with(Path()));
    return text.substr(Path().size());
  }

  [[nodiscard]] std::string Path() const { return (directory_.Path() / "agent.toml").string(); }

 private:
  TempDirectory directory_;
};

TEST_CASE_METHOD(Fixture, "What stands in the file is read, and what does not keeps its default") {
  auto file = Open(
      "name = 'till-3'\n"
      "[a]\nflag = true\nlist = ['x', 'y']\ncount = 7\nspan = '5m'\nsize = '2GiB'\n");
  std::string name;
  std::string absent = "default";
  bool flag = false;
  std::vector<std::string> list;
  std::uint64_t count = 0;
  std::uint64_t size = 0;
  milliseconds span{0};
  file.Require("name", name, "a name");
  file.Read("a.absent", absent);
  file.Read("a.flag", flag);
  file.Read("a.list", list);
  file.Read("a.count", count, 1, 10);
  file.Read("a.span", span, milliseconds(0), std::chrono::hours(1));
  file.ReadBytes("a.size", size, 0, 1ULL << 40);
  CHECK(file.Finish().ok());
  CHECK(name == "till-3");
  CHECK(absent == "default");
  CHECK(flag);
  CHECK(list == std::vector<std::string>{"x", "y"});
  CHECK(count == 7);
  CHECK(span == std::chrono::minutes(5));
  CHECK(size == 2ULL << 30);
}

TEST_CASE_METHOD(Fixture, "Durations are read in each unit") {
  const auto [text, expected] = GENERATE(table<std::string, milliseconds>({
      {"250ms", milliseconds(250)},
      {"30s", std::chrono::seconds(30)},
      {"5m", std::chrono::minutes(5)},
      {"12h", std::chrono::hours(12)},
      {"30d", std::chrono::hours(720)},
  }));
  auto file = Open("t = '" + text + "'\n");
  milliseconds span{-1};
  file.Read("t", span, milliseconds(0), std::chrono::hours(10'000));
  CHECK(file.Finish().ok());
  CHECK(span == expected);
}

TEST_CASE_METHOD(Fixture, "An unknown key is reported with its line and the nearest known one") {
  auto file = Open("[uplink]\n\nsever = 'x'\n");
  std::string server;
  file.Read("uplink.server", server);
  CHECK(Problem(file) == ":3: unknown key uplink.sever; did you mean uplink.server?");
}

TEST_CASE_METHOD(Fixture, "A mistyped key is named, rather than the key that is missing for it") {
  auto file = Open("[terminal]\nstor_id = '42'\n");
  std::string store;
  file.Require("terminal.store_id", store, "the store's number");
  CHECK(Problem(file) == ":2: unknown key terminal.stor_id; did you mean terminal.store_id?");
}

TEST_CASE_METHOD(Fixture, "An unknown key that resembles none is to be removed") {
  auto file = Open("[colour]\nred = 1\n");
  CHECK(Problem(file) == ":2: unknown key colour.red; remove it");
}

TEST_CASE_METHOD(Fixture, "A missing or empty required key says what belongs there") {
  std::string store;
  auto missing = Open("");
  missing.Require("terminal.store_id", store, "the store's number");
  CHECK(Problem(missing) == ": terminal.store_id is missing; give the store's number");
  auto empty = Open("terminal.store_id = ''\n");
  empty.Require("terminal.store_id", store, "the store's number");
  CHECK(Problem(empty) == ":1: terminal.store_id is \"\"; give the store's number, in quotes");
}

TEST_CASE_METHOD(Fixture, "A value of the wrong type or out of bounds says what would be right") {
  std::string text;
  bool flag = false;
  std::vector<std::string> list;
  std::uint64_t count = 0;
  milliseconds span{0};
  SECTION("text") {
    auto file = Open("k = 3\n");
    file.Read("k", text);
    CHECK(Problem(file) == ":1: k is 3; give a text in quotes");
  }
  SECTION("flag") {
    auto file = Open("k = 'yes'\n");
    file.Read("k", flag);
    CHECK(Problem(file) == ":1: k is \"yes\"; give true or false");
  }
  SECTION("list") {
    auto file = Open("k = ['a', 2]\n");
    file.Read("k", list);
    CHECK(Problem(file) == ":1: k[1] is 2; give a text in quotes");
    CHECK(list.empty());
  }
  SECTION("number too high, negative, or text") {
    const auto* value = GENERATE("65", "-1", "'3'");
    auto file = Open(std::string("k = ") + value + "\n");
    file.Read("k", count, 1, 64);
    CHECK_THAT(Problem(file), Catch::EndsWith("; give a whole number from 1 to 64"));
    CHECK(count == 0);
  }
  SECTION("duration without unit, with an unknown one, too long, or too big for a number") {
    const auto* value =
        GENERATE("30", "'30'", "'3w'", "'2h'", "'99999999999999999999d'", "'999999999999999999d'");
    auto file = Open(std::string("k = ") + value + "\n");
    file.Read("k", span, milliseconds(500), std::chrono::hours(1));
    CHECK_THAT(Problem(file), Catch::EndsWith("give a text with its unit, as \"30s\", from 500ms to 1h"));
    CHECK(span == milliseconds(0));
  }
  SECTION("size") {
    auto file = Open("k = '1KB'\n");
    file.ReadBytes("k", count, 64 << 10, 1ULL << 30);
    CHECK_THAT(Problem(file),
               Catch::EndsWith("give a text with its unit, as \"256KiB\", from 64KiB to 1GiB"));
  }
  SECTION("a size whose example would be refused too") {
    auto file = Open("k = '256KiB'\n");
    file.ReadBytes("k", count, 2 << 20, 1ULL << 30);
    CHECK_THAT(Problem(file), Catch::EndsWith("give a text with its unit, as \"2MiB\", from 2MiB to 1GiB"));
  }
}

TEST_CASE_METHOD(Fixture, "The first of several problems is told") {
  auto file = Open("a = 1\nb = 2\n");
  std::string text;
  file.Read("a", text);
  file.Read("b", text);
  CHECK_THAT(Problem(file), Catch::Contains(":1: a is 1"));
}

TEST_CASE_METHOD(Fixture, "A file that is no TOML names the line") {
  std::ofstream(Path()) << "a = 1\nb = = 2\n";
  const auto file = ConfigFile::Open(Path());
  REQUIRE_FALSE(file.ok());
  CHECK_THAT(file.error().Text(), Catch::StartsWith(Path() + ":2: "));
}

TEST_CASE_METHOD(Fixture, "A file that can't be read says why") {
  const auto absent = ConfigFile::Open(Path());
  REQUIRE_FALSE(absent.ok());
  CHECK_THAT(absent.error().Text(), Catch::Contains("cannot read " + Path() + ": No such file or directory"));
  const auto directory = ConfigFile::Open("/");
  REQUIRE_FALSE(directory.ok());
  CHECK_THAT(directory.error().Text(), Catch::Contains("Is a directory"));
}

TEST_CASE_METHOD(Fixture, "Every setting is told as the file would write it, and whether it is the default") {
  auto file = Open("name = 'till-3'\n[a]\ncount = 7\n");
  std::string name;
  bool flag = false;
  std::vector<std::string> list = {"x", "y"};
  std::uint64_t count = 0;
  std::uint64_t size = 3ULL << 20;
  milliseconds span{90'000};
  file.Require("name", name, "a name");
  file.Read("a.flag", flag);
  file.Read("a.list", list);
  file.Read("a.count", count, 1, 10);
  file.Read("a.span", span, milliseconds(0), std::chrono::hours(1));
  file.ReadBytes("a.size", size, 0, 1ULL << 40);
  std::string told;
  for (const auto& setting : file.Settings()) {
    told += setting.key + " = " + setting.value + (setting.is_default ? " *" : "") + "\n";
  }
  CHECK(told ==
        "name = \"till-3\"\na.flag = false *\na.list = [\"x\", \"y\"] *\na.count = 7\na.span = \"90s\" *\n"
        "a.size = \"3MiB\" *\n");
}

TEST_CASE_METHOD(Fixture, "All problems are told, unknown keys first") {
  auto file = Open("nam = 'x'\n[a]\ncount = 70\nother = 1\n");
  std::string name;
  std::uint64_t count = 5;
  file.Require("name", name, "a name");
  file.Read("a.count", count, 1, 10);
  const auto problems = file.Problems();
  REQUIRE(problems.size() == 4);
  CHECK_THAT(problems[0].message, Catch::EndsWith("unknown key a.other"));
  CHECK_THAT(problems[1].message, Catch::EndsWith("unknown key nam"));
  CHECK_THAT(problems[2].message, Catch::EndsWith("name is missing"));
  CHECK_THAT(problems[3].message, Catch::EndsWith("a.count is 70"));
  CHECK(file.Finish().error().message == problems[0].message);
}

TEST_CASE_METHOD(Fixture, "A text is told as TOML writes it on one line") {
  auto file = Open("name = 'a\"b\\c'\n\"x\\ny\" = 1\n");
  std::string name;
  file.Read("name", name);
  CHECK(name == "a\"b\\c");
  CHECK(file.Settings().at(0).value == R"("a\"b\\c")");
  CHECK_THAT(Problem(file), Catch::Contains("unknown key x?y"));
}

TEST_CASE_METHOD(Fixture, "What no configuration can be is refused before it is read in full") {
  const auto refused = [&](const std::string& content) {
    std::ofstream(Path()) << content;
    const auto file = ConfigFile::Open(Path());
    REQUIRE_FALSE(file.ok());
    CHECK(file.error().Text().size() < 1000);
    return file.error().message;
  };
  std::string name = "a";
  for (int i = 0; i < 20'000; ++i) name += ".a";
  CHECK_THAT(refused("b = 1\n" + name + " = 1\n"), Catch::EndsWith(":2: a name has too many parts"));
  CHECK_THAT(refused("[" + name + "]\n"), Catch::EndsWith(":1: a name has too many parts"));
  CHECK_THAT(refused(std::string(70'000, '#')), Catch::Contains("more than 65536 bytes"));
  CHECK_THAT(ConfigFile::Open("/dev/zero").error().message, Catch::Contains("more than 65536 bytes"));
}

TEST_CASE("A file that is not there can be named") {
  CHECK_THAT(ConfigFile::Open("/none/x.toml").error().Text(),
             Catch::Contains("; name the file with --config FILE"));
}

TEST_CASE("A folder's warning") {
  const TempDirectory directory;
  const std::string folder = directory.Path().string();
  CHECK_FALSE(FolderWarning("a.b", folder));
  CHECK(FolderWarning("a.b", folder + "/x")->message == "a.b: " + folder + "/x does not exist");
  std::ofstream(folder + "/file") << "x";
  CHECK(FolderWarning("a.b", folder + "/file")->message == "a.b: " + folder + "/file is no folder");
}

}  // namespace
}  // namespace tillwire
