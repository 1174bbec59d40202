#include "platform/command_line/usage_error.h"

#include <catch2/catch.hpp>

#include "tests/platform/command_line/shop.h"

namespace tillwire {
namespace {

// What the program has to say of a line; empty if nothing is wrong with it.
std::string Problem(const std::string& line) {
  Shop shop;
  try {
    shop.line.Root().parse(line);
    return MissingValueText(shop.line.Root()).value_or("");
  } catch (const CLI::ParseError& error) {
    return UsageErrorText(shop.line.Root(), error);
  }
}

TEST_CASE("What fits is taken") {
  Shop shop;
  shop.line.Root().parse("sell tea --how card --pieces 3 --wait 0.5 --at [::1]:80 -q --till /run/till");
  CHECK(shop.goods == "tea");
  CHECK(shop.how == "card");
  CHECK(shop.pieces == 3);
  CHECK(shop.wait == 0.5);
  CHECK(shop.at == "[::1]:80");
  CHECK(shop.quiet);
  CHECK(shop.till == "/run/till");
  CHECK(Problem("stock count --list=x").empty());
}

TEST_CASE("A usage error says what is wrong and what to do") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"", "a command is missing; give sell or stock"},
      {"stock", "a command is missing; give count"},
      {"sel", "\"sel\" is no command; did you mean sell?"},
      {"steal", "\"steal\" is no command; give sell or stock"},
      {"stock cont", "\"cont\" is no command; did you mean count?"},
      {"sell", "GOODS is missing; see its meaning with --help"},
      {"sell tea pot", "\"pot\" is one word too many"},
      {"sell --hov cash", "--hov is no option here; did you mean --how?"},
      {"sell tea --hov=cash", "--hov is no option here; did you mean --how?"},
      {"sell tea -x", "-x is no option here"},
      {"sell tea --how", "--how has no value; give it as --how TEXT"},
      {"sell tea --how --quiet", "--how is \"--quiet\"; give cash or card"},
      {"sell tea --till --quiet", "--till has no value; give it as --till SOCKET"},
      {"sell tea --till a --till b", "--till is given twice; give it once"},
      {"sell tea --till a --till b --till c", "--till is given several times; give it once"},
      {"sell tea --how coins", "--how is \"coins\"; give cash or card"},
      {"sell tea --pieces -1", "--pieces is \"-1\"; give a whole number from 0"},
      {"sell tea --pieces 2x", "--pieces is \"2x\"; give a whole number from 0"},
      {"sell tea --pieces 99999999999999999999",
       "--pieces is \"99999999999999999999\"; give a whole number from 0"},
      {"sell tea --wait 61", "--wait is \"61\"; give a number of seconds from 0.5 to 60"},
      {"sell tea --wait nan", "--wait is \"nan\"; give a number of seconds from 0.5 to 60"},
      {"sell tea --at foo", "--at is \"foo\"; give host:port, as 127.0.0.1:7400"},
      {"sell tea --at foo:0", "--at is \"foo:0\"; give host:port, as 127.0.0.1:7400"},
  }));
  INFO(line);
  CHECK(Problem(line) == problem);
}

}  // namespace
}  // namespace tillwire
