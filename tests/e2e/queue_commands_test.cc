// tillwire events, show, explain, requeue, release, pause and resume, on the real agent.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/pseudo_terminal.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// One event delivered, one parked, one that waits behind it.
class QueueRig : public StoreRig {
 protected:
  QueueRig() {
    centre.Settings().max_lines = 3;
    Start();
    delivered = agent.Client().Capture(Cancellation("W-1", 1))->event_id;
    parked = agent.Client().Capture(Cancellation("LONG", 5))->event_id;
    waiting = agent.Client().Capture(ClearAfter(parked, "STG-A-01"))->event_id;
    REQUIRE(agent.WaitForStatus(20s, [](const auto& status) {
      return status.outbox().parked() == 1 && status.outbox().delivered() == 1;
    }));
  }

  std::vector<json> Events(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "events");
    arguments.push_back("--json");
    const CommandOutcome outcome = agent.RunCli(arguments);
    CHECK(outcome.status.code == 0);
    std::vector<json> events;
    std::istringstream lines(outcome.output);
    for (std::string line; std::getline(lines, line);) events.push_back(json::parse(line));
    return events;
  }

  std::string delivered;
  std::string parked;
  std::string waiting;
};

TEST_CASE_METHOD(QueueRig, "The events of a terminal are listed, the newest last, and filtered") {
  const CommandOutcome table = agent.RunCli({"events"});
  INFO(table.output);
  CHECK(table.status.code == 0);
  CHECK_THAT(table.output, Catch::StartsWith("CAPTURED "));
  CHECK_THAT(table.output, Catch::Matches("(.|\n)*cancellation +order W-1 +delivered(.|\n)*"
                                          "cancellation +order LONG +parked .*TOO_MANY_LINES: (.|\n)*"
                                          "bin clear +order LONG +pending .*waits behind " +
                                          parked + "\n"));
  const auto all = Events({});
  REQUIRE(all.size() == 3);
  CHECK(all[0]["event_id"] == delivered);
  CHECK(all[2]["event_id"] == waiting);
  CHECK(Events({"--limit", "0"}) == all);
  CHECK(Events({"--limit", "1"}) == std::vector<json>{all[2]});
  CHECK(Events({"--state", "parked"}) == std::vector<json>{all[1]});
  CHECK(Events({"--state", "parked", "--state", "delivered"}).size() == 2);
  CHECK(Events({"--order", "LONG"}).size() == 2);
  CHECK(Events({"--bin", "LONG"}).empty());
  CHECK(Events({"--since", "1h"}).size() == 3);
  CHECK(Events({"--since", "2100-01-01T00:00:00Z"}).empty());
  CHECK(agent.RunCli({"events", "--state", "lost"}).status.code == 2);
  CHECK(agent.RunCli({"events", "--since", "noon"}).status.code == 2);
}

TEST_CASE_METHOD(QueueRig, "Events are followed as they change") {
  PseudoTerminal terminal(kTillwireProgram, {"events", "--follow", "--socket", agent.Socket().string()});
  REQUIRE(terminal.WaitFor(waiting));
  REQUIRE(agent.Client().Capture(Cancellation("W-2", 1)).ok());
  CHECK(terminal.WaitFor("order W-2"));
  CHECK(terminal.WaitFor("delivered"));
  agent.Stop();
  const auto ended = terminal.Finish();
  REQUIRE(ended);
  CHECK(ended->code == 3);
  CHECK_THAT(terminal.Output(), Catch::Contains("no events: "));
}

TEST_CASE_METHOD(QueueRig, "An event is shown and explained, by its id or the beginning of it") {
  const CommandOutcome shown = agent.RunCli({"show", parked});
  INFO(shown.output);
  CHECK(shown.status.code == 0);
  for (const char* expected :
       {"what        cancellation\n", "lane        order LONG\n", "state       parked since ",
        "why         TOO_MANY_LINES: ", "to do       raise acceptance.max_lines", "    order_id  LONG\n",
        "    lines 5\n"}) {
    CHECK_THAT(shown.output, Catch::Contains(expected));
  }
  CHECK(json::parse(agent.RunCli({"show", parked, "--json"}).output)["event_id"] == parked);
  CHECK_THAT(agent.RunCli({"show", parked.substr(0, 23)}).output, Catch::StartsWith("event       " + parked));
  // The first eight letters are a minute or so: two captures in a row may lie on both sides of its end.
  if (parked.substr(0, 8) == waiting.substr(0, 8)) {
    const CommandOutcome several = agent.RunCli({"show", parked.substr(0, 8)});
    CHECK(several.status.code == 2);
    CHECK_THAT(several.errors, Catch::Contains("several events begin with"));
  }
  CHECK(agent.RunCli({"show", "00000000"}).status.code == 1);
  CHECK(agent.RunCli({"show", "17"}).status.code == 2);

  const CommandOutcome why = agent.RunCli({"explain", waiting});
  INFO(why.output);
  CHECK(why.status.code == 0);
  CHECK_THAT(why.output, Catch::Contains("waits behind event " + parked) && Catch::Contains("to do: raise"));
  const auto explained = json::parse(agent.RunCli({"explain", waiting, "--json"}).output);
  CHECK(explained["explanations"][0]["reason"] == "EXPLANATION_REASON_LANE_HELD");
  CHECK_THAT(agent.RunCli({"explain", delivered}).output, Catch::Contains("the centre has it on its disk"));
}

TEST_CASE_METHOD(QueueRig, "All events of a reason are requeued at once") {
  const CommandOutcome none = agent.RunCli({"requeue", "--reason", "STORE_NOT_ALLOWED"});
  CHECK(none.status.code == 0);
  CHECK(none.output == "requeued 0 events (had been parked: STORE_NOT_ALLOWED)\n");
  CHECK(agent.RunCli({"requeue"}).status.code == 2);
  CHECK(agent.RunCli({"requeue", parked, "--reason", "X"}).status.code == 2);
  centre.Stop();
  centre.Settings().max_lines = 500;
  StartCentre();
  REQUIRE(agent.WaitUntilConnected());
  const CommandOutcome one = agent.RunCli({"requeue", "--reason", "TOO_MANY_LINES"});
  INFO(one.errors);
  CHECK(one.output == "requeued 1 event (had been parked: TOO_MANY_LINES)\n");
  CHECK(agent.WaitForStatus(20s, [](const auto& status) { return status.outbox().delivered() == 3; }));
}

TEST_CASE_METHOD(QueueRig, "An event is released only when somebody has said so") {
  const std::vector<std::string> release = {"release", parked, "--operator-id", "117", "--reason", "by hand"};
  const CommandOutcome unasked = agent.RunCli(release);
  CHECK(unasked.status.code == 2);
  CHECK_THAT(unasked.errors, Catch::Contains("give --yes if you are sure"));

  std::vector<std::string> asked = release;
  asked.insert(asked.end(), {"--socket", agent.Socket().string()});
  PseudoTerminal no(kTillwireProgram, asked);
  REQUIRE(no.WaitFor("Release it? [y/N] "));
  no.Type("n\n");
  const auto refused = no.Finish();
  REQUIRE(refused);
  CHECK(refused->code == 1);
  CHECK(agent.Status().outbox().parked() == 1);

  PseudoTerminal yes(kTillwireProgram, asked);
  REQUIRE(yes.WaitFor("Release it? [y/N] "));
  yes.Type("y\n");
  const auto released = yes.Finish();
  INFO(yes.Output());
  REQUIRE(released);
  CHECK(released->code == 0);
  CHECK(agent.WaitForStatus(20s, [](const auto& status) {
    return status.outbox().parked() == 0 && status.outbox().delivered() == 2;
  }));
  CHECK(Events({"--state", "released"}).size() == 1);
  CHECK(agent.RunCli({"release", delivered, "--operator-id", "1", "--reason", "x", "--yes"}).status.code ==
        1);
}

TEST_CASE_METHOD(QueueRig, "The uplink is paused and resumed") {
  CHECK(agent.RunCli({"pause", "--operator-id", "9"}).status.code == 2);
  const CommandOutcome too_long =
      agent.RunCli({"pause", "--operator-id", "9", "--reason", "x", "--for", "25h"});
  CHECK(too_long.status.code == 2);
  CHECK_THAT(too_long.errors, Catch::Contains("--for is \"25h\""));
  const CommandOutcome paused =
      agent.RunCli({"pause", "--operator-id", "9", "--reason", "the line is needed", "--for", "30m"});
  CHECK(paused.status.code == 0);
  CHECK_THAT(paused.output, Catch::StartsWith("paused until "));
  CHECK_THAT(agent.RunCli({"status"}).output,
             Catch::Contains("paused by operator 9 until ") && Catch::Contains(": the line is needed\n"));
  const std::string held = agent.Client().Capture(Cancellation("W-3", 1))->event_id;
  CHECK_THAT(agent.RunCli({"explain", held}).output, Catch::Contains("operator 9 paused the uplink"));
  CHECK(agent.RunCli({"resume"}).output == "resumed\n");
  CHECK(agent.RunCli({"resume"}).output == "there was no pause\n");
  CHECK(agent.WaitForStatus(20s, [](const auto& status) { return status.outbox().delivered() == 2; }));
}

TEST_CASE_METHOD(StoreRig, "While the agent is down, an event in its spool is explained") {
  agent.Start();
  agent.Stop();
  const std::string spool = (agent.OutboxDirectory() / "spool").string();
  const CommandOutcome recorded = agent.RunCli(
      {"cancel", "--operator-id", "117", "--order-id", "100023", "--scope", "whole-order", "--initiator",
       "customer", "--reason", "fraud", "--release-policy", "none", "--output", "json", "--spool", spool});
  INFO(recorded.errors);
  REQUIRE(recorded.status.code == 0);
  const auto id = json::parse(recorded.output)["event_id"].get<std::string>();
  const CommandOutcome text = agent.RunCli({"explain", id, "--spool", spool});
  CHECK(text.status.code == 0);
  CHECK_THAT(text.output, Catch::Contains("it waits in the spool, since the agent is not running") &&
                              Catch::Contains("to do: start the agent"));
  const auto answer = json::parse(agent.RunCli({"explain", id, "--spool", spool, "--json"}).output);
  CHECK(answer["explanations"][0]["reason"] == "EXPLANATION_REASON_SPOOLED");
  CHECK(agent.RunCli({"explain", "01980000-0000-7000-8000-000000000001", "--spool", spool}).status.code == 3);
}

TEST_CASE_METHOD(StoreRig, "While the agent is down, each command says so") {
  const std::string id = "01980000-0000-7000-8000-000000000001";
  const std::vector<std::string> line =
      GENERATE_COPY(std::vector<std::string>{"events"}, std::vector<std::string>{"show", id},
                    std::vector<std::string>{"explain", id},
                    std::vector<std::string>{"requeue", "--reason", "X"}, std::vector<std::string>{"resume"},
                    std::vector<std::string>{"pause", "--operator-id", "1", "--reason", "x"},
                    std::vector<std::string>{"release", id, "--operator-id", "1", "--reason", "x", "--yes"});
  const CommandOutcome outcome = agent.RunCli(line);
  CHECK(outcome.status.code == 3);
  CHECK_THAT(outcome.errors, Catch::Contains("the agent is not running"));
}

}  // namespace
}  // namespace tillwire
