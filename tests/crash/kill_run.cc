#include "tests/crash/kill_run.h"

#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/e2e/store_driver.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr auto kPace = 3ms;
constexpr std::size_t kCapturesForEachKill =
    1000;  // more than are made between two kills, however long one takes
constexpr auto kAimTimeout = 10s;
constexpr auto kDrainTimeout = 60s;

class KillRun {
 public:
  KillRun(std::size_t kills, std::uint64_t seed)
      : kills_(kills),
        random_(seed),
        phase_path_(rig_.agent.Settings().directory / "phases"),
        phases_(phase_path_),
        driver_(MakeDriverSettings(rig_.agent), MakePlan(kills, seed)) {
    rig_.agent.Settings().program = kProbedAgentProgram;
    rig_.agent.Settings().arguments = {"--phase-file", phase_path_.string()};
  }

  KillReport Run() {
    rig_.Start();
    driver_.Start();
    while (report_.kills < kills_) {
      KillOnce();
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
  static DriverSettings MakeDriverSettings(const AgentProgram& agent) {
    DriverSettings settings;
    settings.socket = agent.Socket();
    settings.workers = 12;
    settings.pace = kPace;
    return settings;
  }

  static std::vector<PlannedCapture> MakePlan(std::size_t kills, std::uint64_t seed) {
    StoreDayOptions day;
    day.seed = seed;
    day.captures = kills * kCapturesForEachKill;
    return PlanStoreDay(day);
  }

  // Two times out of three the agent stays in the phase for a while, and the kill comes at a random moment of
  // that stay or shortly after it; the third time the kill follows as soon as the phase is seen.
  void KillOnce() {
    const auto target = static_cast<AgentPhase>(rounds_ % kPhaseCount);
    const bool linger = rounds_ / kPhaseCount % 3 != 0;
    ++rounds_;
    AwaitAnswers();
    phases_.Reset(linger ? std::optional(target) : std::nullopt);
    AwaitPhase(target);
    const std::chrono::microseconds longest = linger ? PhaseFile::kLinger * 3 / 2 : 200us;
    const auto moment = std::chrono::steady_clock::now() + random_() % longest.count() * 1us;
    while (std::chrono::steady_clock::now() < moment) {
      std::this_thread::yield();
    }
    const bool in_flight_before = driver_.InFlight() > 0;
    rig_.agent.Kill();
    const bool in_flight = in_flight_before && driver_.InFlight() > 0;
    if (const std::optional<AgentPhase> last = phases_.Last(); last && in_flight) {
      ++report_.kills;
      ++report_.histogram[static_cast<std::size_t>(*last)];
    }
    phases_.Reset(std::nullopt);
    rig_.agent.Start();
  }

  // A capture counts as in flight only if it can have reached the agent: some must have been answered first.
  void AwaitAnswers() {
    const std::size_t before = driver_.Acknowledged();
    if (!WaitUntil(kAimTimeout, [&] { return driver_.Acknowledged() > before; }, 1ms)) {
      if (driver_.Done()) throw std::runtime_error("the plan ended before the kills; plan more captures");
      throw std::runtime_error("no capture is acknowledged any more; the agent logged:\n" + rig_.agent.Log());
    }
  }

  void AwaitPhase(AgentPhase target) {
    const auto deadline = std::chrono::steady_clock::now() + kAimTimeout;
    while (phases_.Entries(target) == 0 || driver_.InFlight() == 0) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error(std::string("the agent never came into the phase ") +
                                 kPhaseNames[static_cast<std::size_t>(target)] +
                                 " with a capture in flight (" + std::to_string(driver_.Acknowledged()) +
                                 " acknowledged); it logged:\n" + rig_.agent.Log());
      }
      std::this_thread::yield();
    }
  }

  const std::size_t kills_;
  std::mt19937_64 random_;
  StoreRig rig_;
  const std::filesystem::path phase_path_;
  PhaseFile phases_;
  StoreDriver driver_;
  std::size_t rounds_ = 0;
  KillReport report_;
};

}  // namespace

std::string KillReport::Text() const {
  std::ostringstream text;
  text << kills << " kills, each with a capture in flight; the agent died\n";
  for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
    text << "  " << kPhaseNames[phase] << std::string(16 - std::string(kPhaseNames[phase]).size(), ' ')
         << histogram[phase] << "\t" << std::string(histogram[phase], '*') << "\n";
  }
  text << guarantee.acknowledged << " acknowledged, " << unanswered << " attempts unanswered, " << duplicates
       << " duplicates absorbed, " << guarantee.lost << " lost, " << guarantee.altered << " altered, "
       << guarantee.doubled << " doubled, " << guarantee.out_of_order << " out of order, "
       << guarantee.broken_links << " broken links\n";
  text << guarantee.Findings();
  for (const std::string& complaint : complaints) {
    text << complaint << "\n";
  }
  return text.str();
}

KillReport RunKills(std::size_t kills, std::uint64_t seed) {
  return KillRun(kills, seed).Run();
}

}  // namespace tillwire
