#include "platform/spool_folder.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

namespace fs = std::filesystem;

bool Everything(const std::string&) {
  return true;
}

class Fixture {
 protected:
  Fixture() : folder(Make()) {}

  SpoolFolder Make() {
    auto made = SpoolFolder::Create(Path());
    INFO((made ? "" : made.error().Text()));
    REQUIRE(made.ok());
    return std::move(*made);
  }
  [[nodiscard]] fs::path Path() const { return directory_.Path() / "spool"; }
  void Drop(const std::string& name, const std::string& content = "x") const {
    std::ofstream(folder.NewPath() / name, std::ios::binary) << content;
  }
  std::string Reason(const std::string& name) const {
    std::ifstream file(folder.BadPath() / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string Problem(const std::string& name) const {
    const auto content = folder.Read(name);
    REQUIRE_FALSE(content.ok());
    CHECK(content.error().code == ErrorCode::kInvalidArgument);
    return content.error().message;
  }

 private:
  TempDirectory directory_;

 public:
  SpoolFolder folder;
};

TEST_CASE_METHOD(Fixture, "The folders are for the group, whatever the umask is, and stay when made again") {
  const auto mode = [](const fs::path& path) {
    struct stat status{};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  CHECK(mode(Path()) == 02750);
  for (const char* name : {"tmp", "new", "bad"}) CHECK(mode(Path() / name) == 02770);
  CHECK(mode(Path() / "lock") == 0660);
  Drop("a");
  Make();
  CHECK(folder.Waiting(10, Everything)->total == 1);
}

TEST_CASE_METHOD(Fixture, "Names come in byte order, the first of them, without dot files") {
  for (const char* name : {"b", "a", ".a", "B", "10-x", "9-x", "\xC3\xA9", "."}) {
    if (std::string(name) != ".") Drop(name);
  }
  const auto all = folder.Waiting(100, Everything);
  REQUIRE(all.ok());
  CHECK(all->names == std::vector<std::string>{"10-x", "9-x", "B", "a", "b", "\xC3\xA9"});
  const auto some = folder.Waiting(2, [](const std::string& name) { return name != "9-x"; });
  CHECK(some->names == std::vector<std::string>{"10-x", "B"});
  CHECK(some->total == 6);
  CHECK(folder.Waiting(0, Everything)->total == 6);
}

TEST_CASE_METHOD(Fixture, "Only regular files of a size are read, and nothing outside") {
  std::ofstream(Path().parent_path() / "secret") << "secret";
  fs::create_symlink("../../secret", folder.NewPath() / "link");
  fs::create_directory(folder.NewPath() / "folder");
  REQUIRE(mkfifo((folder.NewPath() / "fifo").c_str(), 0600) == 0);
  Drop("empty", "");
  Drop("full", std::string(kMaxSpoolFileBytes, 'x'));
  Drop("huge", std::string(kMaxSpoolFileBytes + 1, 'x'));
  Drop("binary", std::string("\0\xFF\n", 3));
  CHECK_THAT(Problem("link"), Catch::Contains("symbolic link"));
  CHECK_THAT(Problem("folder"), Catch::Contains("no regular file"));
  CHECK_THAT(Problem("fifo"), Catch::Contains("no regular file"));
  CHECK_THAT(Problem("empty"), Catch::Contains("empty"));
  CHECK_THAT(Problem("huge"), Catch::Contains("more than 1048576 bytes"));
  CHECK(folder.Read("full")->size() == kMaxSpoolFileBytes);
  CHECK(*folder.Read("binary") == std::string("\0\xFF\n", 3));
  CHECK(folder.Read("none").error().code == ErrorCode::kNotFound);
}

TEST_CASE_METHOD(Fixture, "What is set aside has its reason beside it, and overwrites nothing") {
  for (int i = 0; i < 3; ++i) {
    Drop("a", std::to_string(i));
    REQUIRE(folder.SetAside("a", "reason " + std::to_string(i)).ok());
  }
  CHECK(Reason("a") == "0");
  CHECK(Reason("a.1") == "1");
  CHECK(Reason("a.2.reason") == "reason 2\n");
  CHECK(folder.Waiting(10, Everything)->total == 0);
  const auto bad = folder.Bad(2);
  REQUIRE(bad.ok());
  CHECK(bad->total == 3);
  REQUIRE(bad->files.size() == 2);
  CHECK(bad->files[1].name == "a.1");
  CHECK(bad->files[1].reason == "reason 1");
}

TEST_CASE_METHOD(Fixture, "Tricky names are set aside like others") {
  const std::string longest(255, 'n');
  Drop("x");
  Drop("x.reason");
  Drop("line\nbreak\xFF");
  Drop(longest);
  fs::create_directory(folder.NewPath() / "folder");
  fs::create_symlink("/etc/passwd", folder.NewPath() / "link");
  for (const auto& name : {std::string("x.reason"), std::string("x"), std::string("line\nbreak\xFF"), longest,
                           std::string("folder"), std::string("link")}) {
    const auto moved = folder.SetAside(name, "why " + name);
    INFO((moved ? "" : moved.error().Text()));
    CHECK(moved.ok());
  }
  CHECK(folder.Waiting(10, Everything)->total == 0);
  CHECK(folder.Bad(10)->total == 6);
  CHECK(fs::is_symlink(folder.BadPath() / "link"));
  CHECK(Reason("x.reason.reason") == "why x.reason\n");
}

TEST_CASE_METHOD(Fixture, "A written file is whole when it appears, and readable for the group") {
  const mode_t before = umask(0077);
  const auto temporary = folder.WriteTemporary("content");
  umask(before);
  REQUIRE(temporary.ok());
  CHECK(folder.Waiting(10, Everything)->total == 0);
  REQUIRE(folder.Publish(*temporary, "a").ok());
  CHECK(*folder.Read("a") == "content");
  struct stat status{};
  REQUIRE(stat((folder.NewPath() / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  CHECK(folder.WrittenAt("a"));
  const auto second = folder.WriteTemporary("other");
  CHECK_FALSE(folder.Publish(*second, "a").ok());
  CHECK(*folder.Read("a") == "content");
  folder.RemoveTemporary(*second);
  CHECK(fs::is_empty(Path() / "tmp"));
}

TEST_CASE_METHOD(Fixture, "What writers left behind long ago is taken away") {
  REQUIRE(folder.WriteTemporary("half").ok());
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  folder.RemoveStaleTemporaries(now - std::chrono::hours(36));
  CHECK_FALSE(fs::is_empty(Path() / "tmp"));
  folder.RemoveStaleTemporaries(now + std::chrono::hours(1));
  CHECK(fs::is_empty(Path() / "tmp"));
}

TEST_CASE_METHOD(Fixture, "Commands share the lock, the agent passes when all are done") {
  auto command = folder.TryLock(SpoolLock::kDecision, false);
  REQUIRE(command.ok());
  REQUIRE(command->has_value());
  CHECK(folder.TryLock(SpoolLock::kDecision, false)->has_value());
  CHECK_FALSE(folder.TryLock(SpoolLock::kDecision, true)->has_value());
  CHECK(folder.TryLock(SpoolLock::kOrder, true)->has_value());
  const auto waited = folder.Lock(SpoolLock::kDecision, true, std::chrono::milliseconds(20));
  REQUIRE_FALSE(waited.ok());
  CHECK_THAT(waited.error().message, Catch::EndsWith("lock is locked by another process"));
  command->reset();
  CHECK(folder.TryLock(SpoolLock::kDecision, true)->has_value());
}

TEST_CASE_METHOD(Fixture, "A file is found by its content, waiting or set aside with its reason") {
  Drop("a", "one");
  Drop("b", "two");
  REQUIRE(folder.SetAside("b", "why").ok());
  const auto find = [&](const std::string& text) {
    auto found =
        folder.Find([&](const std::string& /*name*/, const std::string& content) { return content == text; });
    REQUIRE(found.ok());
    return *found;
  };
  CHECK(find("one")->path == folder.NewPath() / "a");
  CHECK(find("two")->path == folder.BadPath() / "b");
  CHECK(find("two")->reason == "why");
  CHECK_FALSE(find("three"));
}

TEST_CASE("Where the agent never was there is no spool") {
  const TempDirectory directory;
  const auto opened = SpoolFolder::Open(directory.Path() / "none");
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace tillwire
