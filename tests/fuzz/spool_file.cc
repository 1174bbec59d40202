#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "agent/spool/spool_codec.h"
#include "core/spool_name.h"
#include "platform/spool_folder.h"
#include "tests/fuzz/capture_check.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/targets.h"
#include "tests/support/temp_directory.h"

namespace tillwire::fuzz {
namespace {

namespace fs = std::filesystem;

// A spool for the life of the process. Each input leaves it empty.
const SpoolFolder& TheSpool() {
  static const TempDirectory directory;
  static const fs::path path = directory.Path() / "spool";
  static const auto folder = SpoolFolder::Create(path);
  return folder.value();
}

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void CheckName(const std::string& name) {
  const auto counter = CounterOfSpoolName(name);
  const auto key = KeyOfSpoolName(name);
  Expect(counter || !key, "a name without a counter gives no key");
  const auto made = MakeSpoolName(counter.value_or(7), name);
  Expect(CounterOfSpoolName(made) == counter.value_or(7), "a name that was made has its counter");
  Expect(made.ends_with(SpoolNameEnd(name)), "a name that was made is found by its key");
  Expect(made.find('/') == std::string::npos && made.size() < 200, "a name that was made is a file's");
}

bool CanBeAFile(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

// What SpoolImporter makes of a file.
Result<void> Take(const std::string& name, const std::string& content) {
  const auto capture = DecodeSpoolFile(content);
  if (!capture) return capture.error();
  return CheckFromSpool(*capture, KeyOfSpoolName(name).value_or("key"));
}

void CheckSetAside(const SpoolFolder& folder, const std::string& name, const std::string& content,
                   const Error& reason) {
  ExpectRefusal(reason);
  const auto moved = folder.SetAside(name, reason.Text());
  Expect(moved.ok(), "a file can be set aside: " + (moved ? "" : moved.error().Text()));
  const auto bad = folder.Bad(10);
  Expect(bad.ok() && bad->total == 1 && bad->files.size() == 1, "bad/ holds the one file");
  Expect(reason.Text().starts_with(bad->files[0].reason) && !bad->files[0].reason.empty(),
         "its reason stands beside it");
  Expect(ContentOf(folder.BadPath() / bad->files[0].name) == content, "it was not changed");
}

}  // namespace

void FuzzSpoolFile(std::string_view input) {
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string name(input.substr(0, line));
  const std::string content(input.substr(std::min(line + 1, input.size())));
  CheckName(name);
  if (!CanBeAFile(name)) return;

  const SpoolFolder& folder = TheSpool();
  std::ofstream(folder.NewPath() / name, std::ios::binary) << content;
  const auto waiting = folder.Waiting(10, [](const std::string&) { return true; });
  Expect(waiting.ok(), "the spool can be listed");
  if (name.starts_with('.')) {
    Expect(waiting->total == 0, "a name that begins with a dot is not seen");
    fs::remove(folder.NewPath() / name);
    return;
  }
  Expect(waiting->total == 1 && waiting->names.at(0) == name, "the spool lists the file");

  const auto read = folder.Read(name);
  Expect(!read || *read == content, "a file is read as it is");
  const auto taken = read ? Take(name, *read) : Result<void>(read.error());
  if (taken) {
    Expect(folder.Remove(name).ok(), "a file that was taken can be removed");
  } else {
    CheckSetAside(folder, name, content, taken.error());
    for (const auto& entry : fs::directory_iterator(folder.BadPath())) fs::remove(entry.path());
  }
  Expect(fs::is_empty(folder.NewPath()), "nothing waits any more");
}

}  // namespace tillwire::fuzz
