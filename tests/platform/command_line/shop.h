// A made-up program with everything that a command line of ours can have.
#pragma once

#include "platform/command_line/command_line.h"
#include "platform/command_line/completion.h"
#include "platform/command_line/option_types.h"

namespace tillwire {

struct Shop {
  Shop()
      : line({{"shop", "Keeps a shop", "It sells.\n\nIt buys.", {{0, "done"}, {2, "bad input"}}, {}},
              1,
              {{"SHOP_MOOD", "Good or bad."}},
              {{"/etc/shop", "What it has."}},
              {"till(1)"}}) {
    CommandLine::RequireCommand(line.Root());
    line.Root().add_option("--till", till, "Which till")->type_name("SOCKET")->envname("SHOP_TILL");
    auto& sell = line.Add({"sell",
                           "Sell it",
                           "",
                           {{0, "sold"}, {1, "nobody's there"}},
                           {{"To a friend", "shop sell tea \\\n  -q"}}});
    sell.add_option("GOODS", goods, "What to sell")->type_name("GOODS")->required();
    line.AddChoice(sell, "--how", how, {"cash", "card"}, "How it is paid");
    AddWholeNumber(sell, "--pieces", pieces, "How many");
    AddSeconds(sell, "--wait", wait, 0.5, 60, "How long to wait");
    AddAddress(sell, "--at", at, "Where");
    sell.add_flag("-q,--quiet", quiet, "Say nothing");
    auto& stock = line.Add({"stock", "Look at the stock", "", {}, {}});
    CommandLine::RequireCommand(stock);
    auto& count = line.Add(stock, {"count", "Count it", "", {{0, "counted"}}, {}});
    count.add_option("--list", list, "The list")->type_name("FILE");
  }

  CommandLine line;
  std::string till;
  std::string goods;
  std::string how;
  std::string at = "127.0.0.1:1";
  std::string list;
  std::uint64_t pieces = 1;
  double wait = 10;
  bool quiet = false;
};

}  // namespace tillwire
