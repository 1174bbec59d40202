#include "platform/command_line/help_text.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/platform/command_line/shop.h"

namespace tillwire {
namespace {

TEST_CASE("The help of a program and of a command") {
  const Shop shop;
  const ProgramModel model = shop.line.Model();
  CHECK(HelpText(model, model.command) ==
        "Keeps a shop.\n"
        "\n"
        "It sells.\n"
        "\n"
        "It buys.\n"
        "\n"
        "Usage: shop [options] COMMAND\n"
        "\n"
        "Commands:\n"
        "  sell                    Sell it\n"
        "  stock                   Look at the stock\n"
        "\n"
        "Options:\n"
        "  -h, --help              Show this help\n"
        "  --version               Show the version\n"
        "  --till SOCKET           Which till (environment: SHOP_TILL)\n"
        "\n"
        "Environment:\n"
        "  SHOP_MOOD               Good or bad.\n"
        "\n"
        "Exit codes:\n"
        "  0  done\n"
        "  2  bad input\n");
  CHECK(HelpText(model, model.command.commands[0]) ==
        "Sell it.\n"
        "\n"
        "Usage: shop sell [options] GOODS\n"
        "\n"
        "Arguments:\n"
        "  GOODS                   What to sell\n"
        "\n"
        "Options:\n"
        "  -h, --help              Show this help\n"
        "  --how TEXT              How it is paid\n"
        "  --pieces N              How many\n"
        "  --wait SECONDS          How long to wait (default: 10)\n"
        "  --at HOST:PORT          Where (default: 127.0.0.1:1)\n"
        "  -q, --quiet             Say nothing\n"
        "\n"
        "Options of every command:\n"
        "  --till SOCKET           Which till (environment: SHOP_TILL)\n"
        "\n"
        "Exit codes:\n"
        "  0  sold\n"
        "  1  nobody's there\n"
        "\n"
        "Example:\n"
        "  # To a friend\n"
        "  shop sell tea \\\n"
        "    -q\n");
}

TEST_CASE("Long texts are wrapped at 80 columns") {
  Shop shop;
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  shop.line.Root().add_option("--an-option-with-a-long-name", shop.till, words)->type_name("FILE");
  const ProgramModel model = shop.line.Model();
  std::istringstream lines(HelpText(model, model.command));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) CHECK(line.size() <= 80);
  CHECK(count > 25);
}

}  // namespace
}  // namespace tillwire
