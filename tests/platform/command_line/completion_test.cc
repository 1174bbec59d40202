#include "platform/command_line/completion.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/platform/command_line/shop.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

// What bash offers for the last of these words, one a line.
std::string Offered(const std::string& script, const std::string& function,
                    const std::vector<std::string>& words, const std::filesystem::path& directory = "/") {
  std::string line = script + "\nCOMP_WORDS=(";
  for (const auto& word : words) line += "'" + word + "' ";
  line += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) + "\n" + function +
          "\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const auto outcome =
      RunCommand("/bin/bash", {"--norc", "--noprofile"}, line, std::chrono::seconds(60), directory);
  INFO(outcome.errors);
  CHECK(outcome.errors.empty());
  return outcome.output;
}

TEST_CASE("bash completes commands, options, values and files") {
  const Shop shop;
  const std::string script = CompletionScript(shop.line.Model(), "bash");
  const auto offered = [&](const std::vector<std::string>& words) { return Offered(script, "_shop", words); };
  CHECK(offered({"shop", ""}) == "sell\nstock\n");
  CHECK(offered({"shop", "se"}) == "sell\n");
  CHECK(offered({"shop", "--t"}) == "--till\n");
  CHECK(offered({"shop", "--till", "/x", "st"}) == "stock\n");
  CHECK(offered({"shop", "--till", "=", "/x", "st"}) == "stock\n");
  CHECK(offered({"shop", "stock", ""}) == "count\n");
  CHECK(offered({"shop", "stock", "count", "--l"}) == "--list\n");
  CHECK(offered({"shop", "sell", "-"}) == "-h\n--help\n--how\n--pieces\n--wait\n--at\n-q\n--quiet\n--till\n");
  CHECK(offered({"shop", "sell", "--how", ""}) == "cash\ncard\n");
  CHECK(offered({"shop", "sell", "--how", "ca"}) == "cash\ncard\n");
  CHECK(offered({"shop", "sell", "--how", "="}) == "cash\ncard\n");
  CHECK(offered({"shop", "sell", "--how", "=", "car"}) == "card\n");
  // An option's value is no command, and what can't be known is not guessed.
  CHECK(offered({"shop", "sell", "--pieces", ""}) == "\n");
  CHECK(offered({"shop", "--till", "sell", "--ho"}) == "\n");
}

TEST_CASE("bash completes the names of files, also with spaces") {
  const Shop shop;
  const TempDirectory directory;
  WriteWholeFile(directory.Path() / "one list", "x");
  WriteWholeFile(directory.Path() / "other", "x");
  const std::string script = CompletionScript(shop.line.Model(), "bash");
  CHECK(Offered(script, "_shop", {"shop", "stock", "count", "--list", "on"}, directory.Path()) ==
        "one list\n");
}

TEST_CASE("The programs complete their own command lines in bash") {
  const auto offered = [](const char* program, const std::string& function,
                          const std::vector<std::string>& words) {
    const auto script = RunCommand(program, {"completion", "bash"});
    REQUIRE(script.status.code == 0);
    return Offered(script.output, function, words);
  };
  CHECK(offered(TILLWIRE_PROGRAM, "_tillwire", {"tillwire", "ca"}) == "cancel\n");
  CHECK(offered(TILLWIRE_PROGRAM, "_tillwire", {"tillwire", "cancel", "--scope", ""}) ==
        "whole-order\nlines\n");
  CHECK(offered(TILLWIRE_PROGRAM, "_tillwire", {"tillwire", "cancel", "--ord"}) == "--order-id\n");
  CHECK(offered(TILLWIRE_PROGRAM, "_tillwire", {"tillwire", "completion", ""}) == "bash\nzsh\nfish\n");
  CHECK(offered(TILLWIRED_PROGRAM, "_tillwired", {"tillwired", "--c"}) == "--config\n");
  CHECK(offered(TILLWIRE_INGESTD_PROGRAM, "_tillwire_ingestd", {"tillwire-ingestd", "events", "--f"}) ==
        "--follow\n");
}

TEST_CASE("Each shell that is installed can read its script") {
  const std::string shell = GENERATE(from_range(CompletionShells()));
  const auto* program =
      GENERATE(as<const char*>(), TILLWIRE_PROGRAM, TILLWIRED_PROGRAM, TILLWIRE_INGESTD_PROGRAM);
  const auto script = RunCommand(program, {"completion", shell});
  CHECK(script.status.code == 0);
  CHECK(script.output.size() > 200);
  const std::filesystem::path reader =
      std::filesystem::exists("/usr/bin/" + shell) ? "/usr/bin/" + shell : "/bin/" + shell;
  if (!std::filesystem::exists(reader)) {
    WARN(shell << " is not installed: its script is not read");
    return;
  }
  const auto read = RunCommand(reader, {"-n", "/dev/stdin"}, script.output);
  INFO(read.errors);
  CHECK(read.status.code == 0);
  CHECK(read.errors.empty());
}

}  // namespace
}  // namespace tillwire
