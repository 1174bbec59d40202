#include "platform/command_line/man_page.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/platform/command_line/shop.h"
#include "tests/support/process.h"

namespace tillwire {
namespace {

TEST_CASE("A manual page has every section, command and option") {
  const Shop shop;
  const std::string page = ManPage(shop.line.Model());
  INFO(page);
  CHECK_THAT(page, Catch::StartsWith(".TH SHOP 1 "));
  for (const char* expected :
       {"\n.SH NAME\nshop \\- keeps a shop\n", "\n.SH SYNOPSIS\nshop [options] COMMAND\n",
        "\n.SH DESCRIPTION\nKeeps a shop.\n.PP\nIt sells.\n.PP\nIt buys.\n",
        "\n.SH OPTIONS\n.TP\n.B \\-h, \\-\\-help\nShow this help\n",
        "\n.SH COMMANDS\n.SS shop sell [options] GOODS\nSell it.\n", "\n.SS shop stock count [options]\n",
        ".B \\-\\-list FILE\nThe list\n", "\n.SH EXIT STATUS\n.TP\n.B 0\ndone\n",
        "\n.SH ENVIRONMENT\n.TP\n.B SHOP_TILL\n", ".B SHOP_MOOD\nGood or bad.\n",
        "\n.SH FILES\n.TP\n.B /etc/shop\n",
        "\n.SH EXAMPLES\n.PP\nTo a friend:\n.PP\n.RS\n.nf\nshop sell tea \\e\n",
        "\n.SH SEE ALSO\ntill(1)\n"}) {
    CHECK_THAT(page, Catch::Contains(expected));
  }
}

TEST_CASE("Text that roff would take for its own is escaped") {
  Shop shop;
  shop.line.Root().add_flag("--dot", shop.quiet, ".SH is no section here, nor is \\fB a font");
  CHECK_THAT(ManPage(shop.line.Model()),
             Catch::Contains("\n\\&.SH is no section here, nor is \\efB a font\n"));
}

TEST_CASE("The programs' pages are set without a warning, where there is a man to set them") {
  const auto* program =
      GENERATE(as<const char*>(), TILLWIRE_PROGRAM, TILLWIRED_PROGRAM, TILLWIRE_INGESTD_PROGRAM);
  const CommandOutcome page = RunCommand(program, {"--man"});
  REQUIRE(page.status.code == 0);
  for (const char* section : {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS",
                              "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"}) {
    CHECK_THAT(page.output, Catch::Contains(std::string("\n.SH ") + section + "\n"));
  }
  if (!std::filesystem::exists("/usr/bin/groff")) {
    WARN("groff is not installed: the pages are not set");
    return;
  }
  const CommandOutcome set = RunCommand("/usr/bin/groff", {"-man", "-ww", "-z", "-Tutf8"}, page.output);
  CHECK(set.status.code == 0);
  CHECK(set.errors.empty());
}

}  // namespace
}  // namespace tillwire
