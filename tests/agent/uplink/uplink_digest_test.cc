// When a terminal says how it stands.
#include "tests/agent/uplink/terminal.h"

namespace tillwire {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Welcome WithDigests() {
  Welcome welcome;
  welcome.limits.digest_interval = seconds(60);
  return welcome;
}

// Digests that were sent since the last call.
std::vector<Digest> TakeDigests(Terminal& terminal) {
  std::vector<Digest> digests;
  for (ToCentre& message : terminal.sent) {
    if (auto* digest = std::get_if<Digest>(&message)) digests.push_back(std::move(*digest));
  }
  std::erase_if(terminal.sent,
                [](const ToCentre& message) { return std::holds_alternative<Digest>(message); });
  return digests;
}

TEST_CASE("A digest follows the Welcome, and each interval in which something changed") {
  Terminal terminal;
  terminal.Capture("order:A", "1");
  terminal.Connect(WithDigests());
  terminal.Advance(seconds(0));
  auto digests = TakeDigests(terminal);
  REQUIRE(digests.size() == 1);
  REQUIRE(digests[0].epochs.size() == 1);
  CHECK(digests[0].epochs[0].pending == 1);

  terminal.Accept(terminal.Take());
  terminal.Advance(seconds(59));
  CHECK(TakeDigests(terminal).empty());
  terminal.Advance(seconds(1));
  digests = TakeDigests(terminal);
  REQUIRE(digests.size() == 1);
  CHECK(digests[0].epochs[0].delivered == 1);
  CHECK(digests[0].epochs[0].pending == 0);
}

TEST_CASE("An idle terminal repeats its digest every fifteenth interval") {
  Terminal terminal;
  terminal.Connect(WithDigests());
  terminal.Advance(seconds(0));
  CHECK(TakeDigests(terminal).size() == 1);
  for (int minute = 1; minute < UplinkMachine::kDigestsLeftOut; ++minute) {
    terminal.Advance(minutes(1));
    CHECK(TakeDigests(terminal).empty());
  }
  terminal.Advance(minutes(1));
  CHECK(TakeDigests(terminal).size() == 1);
}

TEST_CASE("A centre that does not ask for digests gets none, and neither does one that pushes back") {
  Terminal terminal;
  terminal.Connect();
  terminal.Advance(minutes(30));
  CHECK(TakeDigests(terminal).empty());

  Terminal pushed;
  pushed.Connect(WithDigests());
  pushed.Deliver(Pushback{seconds(90)});
  pushed.Advance(seconds(89));
  CHECK(TakeDigests(pushed).empty());
  pushed.Advance(seconds(1));
  CHECK(TakeDigests(pushed).size() == 1);
}

TEST_CASE("Nothing is read for a digest while there is no stream, and a new stream begins with one") {
  Terminal terminal;
  terminal.Connect(WithDigests());
  terminal.Advance(seconds(0));
  CHECK(TakeDigests(terminal).size() == 1);
  terminal.Close({UplinkProblem::kUnreachable, "gone", ""});
  CHECK(TakeDigests(terminal).empty());
  terminal.AdvanceToWakeup();
  terminal.Deliver(WithDigests());
  terminal.Advance(seconds(0));
  CHECK(TakeDigests(terminal).size() == 1);
}

}  // namespace
}  // namespace tillwire
