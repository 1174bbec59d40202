#include "tests/crash/kill_run.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "ingest/phase_probe.h"
#include "tests/e2e/store_driver.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr auto kPace = 3ms;
constexpr std::size_t kCapturesForEachKill =
    1000;  // more than are made between two kills, however long one takes
// A phase that was not hit by then is not hit.
constexpr std::uint64_t kMostForEachPlanned = 4;
constexpr auto kAimTimeout = 30s;
constexpr auto kDrainTimeout = 60s;

// One of the two programs: how it is brought into a phase, killed and started again.
struct Victim {
  PhaseFile& phases;
  std::size_t phase_count;
  std::function<void(std::size_t phase)>
      provoke;                      // has it come into a phase that it would not come into by itself
  std::function<bool()> under_way;  // whether something is that a kill could lose
  std::function<void()> kill;
  std::function<void()> restart;
  std::function<std::string()> log;
  std::function<void(std::size_t phase)> count;
  std::size_t rounds = 0;
};

class KillRun {
 public:
  explicit KillRun(const KillPlan& plan)
      : plan_(plan),
        random_(plan.seed),
        agent_phases_(rig_.agent.Settings().directory / "phases"),
        centre_phases_(rig_.centre.Settings().directory / "phases"),
        driver_(MakeDriverSettings(rig_.agent), MakeDay(plan)) {
    rig_.agent.Settings().program = kProbedAgentProgram;
    rig_.agent.Settings().arguments = {"--phase-file", (rig_.agent.Settings().directory / "phases").string()};
    rig_.centre.Settings().program = kProbedCentreProgram;
    rig_.centre.Settings().arguments = {"--phase-file",
                                        (rig_.centre.Settings().directory / "phases").string()};
  }

  KillReport Run() {
    rig_.Start();
    driver_.Start();
    Victim agent = MakeAgent();
    Victim centre = MakeCentre();
    while (Due(report_.agent, plan_.agent_kills) || Due(report_.centre, plan_.centre_kills)) {
      if (Due(report_.agent, plan_.agent_kills)) KillOnce(agent);
      if (Due(report_.centre, plan_.centre_kills)) KillOnce(centre);
    }
    driver_.Finish();
    if (!rig_.agent.WaitUntilDrained(kDrainTimeout)) {
      throw std::runtime_error("the agent did not drain; it logged:\n" + rig_.agent.Log());
    }
    report_.unanswered = driver_.Unanswered();
    report_.complaints = driver_.Complaints();
    report_.duplicates = rig_.centre.Counts().duplicates;
    report_.guarantee = CheckGuarantee(driver_.Log(), rig_.centre.Ledger());
    return std::move(report_);
  }

 private:
  template <typename Histogram>
  static std::uint64_t Kills(const Histogram& histogram) {
    return std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
  }

  // Whether a program has not died often enough, or not in each phase: some phases are short.
  template <typename Histogram>
  static bool Due(const Histogram& histogram, std::size_t planned) {
    const std::uint64_t kills = Kills(histogram);
    if (kills < planned) return true;
    const bool missed = std::find(histogram.begin(), histogram.end(), std::uint64_t{0}) != histogram.end();
    return missed && kills < kMostForEachPlanned * planned;
  }

  static DriverSettings MakeDriverSettings(const AgentProgram& agent) {
    DriverSettings settings;
    settings.socket = agent.Socket();
    settings.workers = 12;
    settings.pace = kPace;
    return settings;
  }

  static std::vector<PlannedCapture> MakeDay(const KillPlan& plan) {
    StoreDayOptions day;
    day.seed = plan.seed;
    day.captures = 2 * (plan.agent_kills + plan.centre_kills) * kCapturesForEachKill;
    return PlanStoreDay(day);
  }

  Victim MakeAgent() {
    return {agent_phases_,
            kAgentPhaseNames.size(),
            [](std::size_t) {},
            [this] { return driver_.InFlight() > 0; },
            [this] { rig_.agent.Kill(); },
            [this] { rig_.agent.Start(); },
            [this] { return rig_.agent.Log(); },
            [this](std::size_t phase) { ++report_.agent.at(phase); }};
  }

  Victim MakeCentre() {
    return {centre_phases_,
            kCentrePhaseNames.size(),
            [this](std::size_t phase) {
              if (phase != PhaseNumber(CentrePhase::kBeforeWelcome)) return;
              rig_.link.Cut();
              rig_.link.Heal();
            },
            [] { return true; },
            [this] { rig_.centre.Kill(); },
            [this] { rig_.StartCentre(); },
            [this] { return rig_.centre.Log(); },
            [this](std::size_t phase) { ++report_.centre.at(phase); }};
  }

  // Two times out of three the program stays in the phase for a while, and the kill comes at a random moment
  // of that stay or shortly after it; the third time the kill follows as soon as the phase is seen.
  void KillOnce(Victim& victim) {
    const std::size_t target = victim.rounds % victim.phase_count;
    const bool linger = victim.rounds / victim.phase_count % 3 != 0;
    ++victim.rounds;
    AwaitAnswers();
    victim.phases.Reset(linger ? std::optional(target) : std::nullopt);
    victim.provoke(target);
    AwaitPhase(victim, target);
    const std::chrono::microseconds longest = linger ? PhaseFile::kLinger * 3 / 2 : 200us;
    const auto moment = std::chrono::steady_clock::now() + random_() % longest.count() * 1us;
    while (std::chrono::steady_clock::now() < moment) {
      std::this_thread::yield();
    }
    const bool before = victim.under_way();
    victim.kill();
    const bool under_way = before && victim.under_way();
    if (const std::optional<std::size_t> last = victim.phases.Last(); last && under_way) victim.count(*last);
    victim.phases.Reset(std::nullopt);
    victim.restart();
  }

  // A capture counts as in flight only if it can have reached the agent: some must have been answered first.
  void AwaitAnswers() {
    const std::size_t before = driver_.Acknowledged();
    if (!WaitUntil(kAimTimeout, [&] { return driver_.Acknowledged() > before; }, 1ms)) {
      if (driver_.Done()) throw std::runtime_error("the plan ended before the kills; plan more captures");
      throw std::runtime_error("no capture is acknowledged any more; the agent logged:\n" + rig_.agent.Log());
    }
  }

  void AwaitPhase(const Victim& victim, std::size_t target) {
    const auto deadline = std::chrono::steady_clock::now() + kAimTimeout;
    while (victim.phases.Entries(target) == 0 || !victim.under_way()) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error(
            "phase " + std::to_string(target) + " of " + std::to_string(victim.phase_count) +
            " was never entered with something under way (" + std::to_string(driver_.Acknowledged()) +
            " acknowledged); the program logged:\n" + victim.log());
      }
      std::this_thread::yield();
    }
  }

  const KillPlan plan_;
  std::mt19937_64 random_;
  StoreRig rig_;
  PhaseFile agent_phases_;
  PhaseFile centre_phases_;
  StoreDriver driver_;
  KillReport report_;
};

template <typename Names, typename Histogram>
void Tell(std::ostream& text, const char* program, const Names& names, const Histogram& histogram) {
  text << program << ": " << std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0})
       << " kills";
  const char* separator = ": ";
  for (std::size_t phase = 0; phase < names.size(); ++phase) {
    text << separator << names[phase] << ' ' << histogram[phase];
    separator = ", ";
  }
  text << '\n';
}

}  // namespace

std::string KillReport::Text() const {
  std::ostringstream text;
  Tell(text, "agent", kAgentPhaseNames, agent);
  Tell(text, "centre", kCentrePhaseNames, centre);
  text << guarantee.acknowledged << " acknowledged, " << unanswered << " attempts unanswered, " << duplicates
       << " duplicates absorbed, " << guarantee.lost << " lost, " << guarantee.altered << " altered, "
       << guarantee.doubled << " doubled, " << guarantee.out_of_order << " out of order, "
       << guarantee.broken_links << " broken links, " << guarantee.holes << " holes\n";
  text << guarantee.Findings();
  for (const std::string& complaint : complaints) {
    text << complaint << "\n";
  }
  return text.str();
}

std::uint64_t KillReport::LeastHit() const {
  return std::min(*std::min_element(agent.begin(), agent.end()),
                  *std::min_element(centre.begin(), centre.end()));
}

void KillReport::Add(const KillReport& other) {
  std::transform(agent.begin(), agent.end(), other.agent.begin(), agent.begin(), std::plus<>());
  std::transform(centre.begin(), centre.end(), other.centre.begin(), centre.begin(), std::plus<>());
  unanswered += other.unanswered;
  duplicates += other.duplicates;
  guarantee.acknowledged += other.guarantee.acknowledged;
  guarantee.at_centre += other.guarantee.at_centre;
  guarantee.lost += other.guarantee.lost;
  guarantee.altered += other.guarantee.altered;
  guarantee.doubled += other.guarantee.doubled;
  guarantee.unexpected += other.guarantee.unexpected;
  guarantee.out_of_order += other.guarantee.out_of_order;
  guarantee.broken_links += other.guarantee.broken_links;
  guarantee.holes += other.guarantee.holes;
  const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(guarantee.findings, other.guarantee.findings);
  append(complaints, other.complaints);
}

KillReport RunKills(const KillPlan& plan) {
  return KillRun(plan).Run();
}

}  // namespace tillwire
