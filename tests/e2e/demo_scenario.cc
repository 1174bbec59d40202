#include "tests/e2e/demo_scenario.h"

#include <algorithm>
#include <stdexcept>

#include "tests/support/event_facts.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr auto kPace = 16ms;
constexpr auto kPatience = 60s;
constexpr std::size_t kCliEvery = 6;
constexpr std::size_t kDoubleTapEvery = 25;
constexpr std::size_t kCapturesPerWantedDuplicate = 20;
constexpr std::size_t kLeadShare = 30;
// How long after a capture a disturbance that begins may still touch it.
constexpr auto kReach = 500ms;

WallTime Now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

AgentSettings MakeAgentSettings(const DemoOptions& options, std::uint16_t server_port) {
  AgentSettings settings;
  settings.directory = options.directory / "till";
  settings.server_port = server_port;
  settings.backoff_base = "250ms";
  settings.backoff_cap = "2s";
  if (options.lose_capture) {
    settings.program = kProbedAgentProgram;
    settings.arguments = {"--lose-capture", "7"};
  }
  return settings;
}

std::vector<PlannedCapture> MakePlan(const DemoOptions& options) {
  StoreDayOptions day;
  day.seed = options.seed;
  day.captures = options.captures;
  day.begin = Now();
  day.step = kPace;
  return PlanStoreDay(day);
}

DriverSettings MakeDriverSettings(const AgentProgram& agent) {
  DriverSettings settings;
  settings.socket = agent.Socket();
  settings.pace = kPace;
  settings.cli_every = kCliEvery;
  settings.double_tap_every = kDoubleTapEvery;
  return settings;
}

std::string Seconds(std::chrono::milliseconds time) {
  return std::to_string(time.count() / 1000) + "." + std::to_string(time.count() % 1000 / 100) + " s";
}

}  // namespace

DemoScenario::DemoScenario(const DemoOptions& options)
    : options_(options),
      centre_(CentreSettings(options.directory / "centre")),
      agent_(MakeAgentSettings(options, link_.Port())),
      driver_(MakeDriverSettings(agent_), MakePlan(options)) {}

DemoOutcome DemoScenario::Run() {
  centre_.Start();
  link_.SetCentre(centre_.Port());
  agent_.Start();
  if (!agent_.WaitUntilConnected()) {
    throw std::runtime_error("the agent did not connect to the centre; it logged:\n" + agent_.Log());
  }
  progress_.Say("the store opens: agent and centre are up and connected");
  driver_.Start();

  Reach(0.10);
  PullTheCable();
  Reach(0.32);
  DelayAnswersAndKillAgent();
  Reach(0.58);
  KillCentre();
  Reach(0.72);
  LoseAnswersThenTheLink();
  Reach(0.90);
  KillAgentInACapture();
  Reach(1.0);

  driver_.Finish();
  if (!agent_.WaitUntilDrained(kPatience)) {
    progress_.Say("the backlog did not drain within a minute");
  }
  progress_.Say("the store closes: every capture has its answer");
  progress_.Clear();
  return Judge();
}

void DemoScenario::PullTheCable() {
  Begin("the network cable is pulled; the tills go on");
  link_.Cut();
  Reach(0.24);
  progress_.Say("the cable is back");
  link_.Heal();
  EndWhenDrained("the first cut");
}

// Makes real duplicates at the centre: the agent dies while its messages are under way, its successor sends
// the same records again, and then the old messages arrive after all.
void DemoScenario::DelayAnswersAndKillAgent() {
  Begin("the network grows slow: answers from the centre don't get through, captures pile up");
  link_.HoldDownstream();
  Reach(0.47);
  link_.HoldUpstream();
  link_.ReleaseDownstream();
  std::size_t held = 0;
  WaitUntil(
      3s,
      [&] {
        const std::size_t before = std::exchange(held, link_.HeldUpstreamBytes());
        return held != 0 && held == before;
      },
      300ms);
  agent_.Kill();
  progress_.Say("the agent is SIGKILLed while " + std::to_string(held / 1024) +
                " KiB of its messages are still on their way");
  agent_.Start();
  EndWhenDrained("the agent's first end");
  const std::uint64_t duplicates = centre_.Counts().duplicates;
  link_.ReleaseUpstream();
  WaitUntil(3s, [&] { return centre_.Counts().duplicates > duplicates; });
  progress_.Say("the dead agent's messages arrive at last; the centre has all of that already");
}

void DemoScenario::KillCentre() {
  Begin("the centre is SIGKILLed");
  centre_up_ = false;
  centre_.Kill();
  Reach(0.66);
  centre_.Start();
  centre_up_ = true;
  link_.SetCentre(centre_.Port());
  progress_.Say("the centre is up again");
  EndWhenDrained("the centre's end");
}

void DemoScenario::LoseAnswersThenTheLink() {
  Begin("the centre's acknowledgements get lost on the way");
  link_.DropAcknowledgements();
  Reach(0.77);
  progress_.Say("then the link is cut for the second time");
  link_.Cut();
  Reach(0.83);
  progress_.Say("the link is back");
  link_.Heal();
  EndWhenDrained("the second cut");
}

void DemoScenario::KillAgentInACapture() {
  WaitUntil(5s, [&] { return driver_.InFlight() > 0; }, 0ms);
  agent_.Kill();
  Begin("the agent is SIGKILLed again, in the middle of a capture");
  agent_.Start();
  EndWhenDrained("the agent's second end");
}

void DemoScenario::Reach(double share_of_the_day) {
  const auto goal = static_cast<std::size_t>(share_of_the_day * static_cast<double>(driver_.Planned()));
  // No further than this ahead, so that each disturbance meets its share of captures on a slow machine too.
  driver_.AllowUpTo(goal + driver_.Planned() / kLeadShare);
  const bool reached = WaitUntil(
      kPatience,
      [&] {
        progress_.Show(Numbers());
        return driver_.Acknowledged() >= goal || driver_.Done();
      },
      100ms);
  if (!reached) {
    throw std::runtime_error("the day came to a stop at " + std::to_string(driver_.Acknowledged()) +
                             " captures; the agent logged:\n" + agent_.Log());
  }
}

void DemoScenario::Begin(const std::string& what) {
  disturbances_.push_back({Now() - kReach, WallTime::max()});
  progress_.Say(what);
}

void DemoScenario::EndWhenDrained(const std::string& after) {
  const auto begin = std::chrono::steady_clock::now();
  Drain drain;
  drain.after = after;
  drain.waiting = agent_.Status().outbox().pending();
  if (agent_.WaitUntilDrained(kPatience)) {
    drain.time =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    progress_.Say(drain.waiting == 0 ? "nothing is left waiting"
                                     : "drained: " + std::to_string(drain.waiting) +
                                           " waiting events arrived within " + Seconds(*drain.time));
  }
  drains_.push_back(drain);
  disturbances_.back().end = Now();
}

DemoProgress::Numbers DemoScenario::Numbers() {
  DemoProgress::Numbers numbers;
  numbers.acknowledged = driver_.Acknowledged();
  numbers.planned = driver_.Planned();
  if (const auto status = agent_.Client().Status(1s); status.ok()) {
    numbers.pending = status->outbox().pending();
  }
  if (centre_up_) {
    const CentreCounts counts = centre_.Counts();
    numbers.at_centre = counts.accepted;
    numbers.duplicates = counts.duplicates;
  }
  return numbers;
}

DemoOutcome DemoScenario::Judge() {
  DemoOutcome outcome;
  const std::vector<LedgerEntry> ledger = centre_.Ledger();
  outcome.guarantee = CheckGuarantee(driver_.Log(), ledger);
  outcome.centre = centre_.Counts();
  outcome.acknowledged_by_cli = driver_.AcknowledgedByCli();
  outcome.unanswered = driver_.Unanswered();
  outcome.repeated = driver_.Repeated();
  outcome.complaints = driver_.Complaints();
  outcome.drains = drains_;
  outcome.wanted_duplicates = options_.captures / kCapturesPerWantedDuplicate;
  for (const LedgerEntry& entry : ledger) {
    const std::optional<EventFacts> facts = ReadEventFacts(entry.event);
    const bool online =
        facts && std::none_of(disturbances_.begin(), disturbances_.end(), [&](const auto& each) {
          return facts->capture_time >= each.begin && facts->capture_time <= each.end;
        });
    if (online) {
      outcome.online_delays.push_back(entry.received_time - facts->capture_time);
    }
  }
  std::sort(outcome.online_delays.begin(), outcome.online_delays.end());
  return outcome;
}

}  // namespace tillwire
