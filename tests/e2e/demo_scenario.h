// A store's day with everything going wrong that can: what scripts/demo shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/agent_program.h"
#include "tests/e2e/centre_program.h"
#include "tests/e2e/demo_progress.h"
#include "tests/e2e/store_driver.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/guarantee_check.h"

namespace tillwire {

struct DemoOptions {
  std::uint64_t seed = 1;
  std::size_t captures = 2000;
  std::filesystem::path directory;  // for both programs
  bool lose_capture = false;        // runs an agent that acknowledges one capture without storing it
};

// One backlog, worked off.
struct Drain {
  std::string after;                              // what had stood in its way
  std::uint64_t waiting = 0;                      // events at that moment
  std::optional<std::chrono::milliseconds> time;  // nothing if it was not done in time
};

struct DemoOutcome {
  GuaranteeReport guarantee;
  CentreCounts centre;
  std::size_t acknowledged_by_cli = 0;
  std::size_t unanswered = 0;
  std::size_t repeated = 0;
  std::vector<std::string> complaints;  // of the driver
  std::vector<std::chrono::microseconds>
      online_delays;  // from capture to centre, of events captured while online
  std::vector<Drain> drains;
  std::uint64_t wanted_duplicates = 0;

  [[nodiscard]] bool Passed() const {
    return guarantee.Holds() && guarantee.unexpected == 0 && complaints.empty() &&
           centre.duplicates >= wanted_duplicates;
  }
};

// Owns the programs until it goes.
class DemoScenario {
 public:
  explicit DemoScenario(const DemoOptions& options);

  // Throws std::runtime_error if a program does not come up or the day does not end.
  DemoOutcome Run();

  AgentProgram& Agent() { return agent_; }
  CentreProgram& Centre() { return centre_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Disturbance {
    WallTime begin;
    WallTime end;
  };

  void PullTheCable();
  void DelayAnswersAndKillAgent();
  void KillCentre();
  void LoseAnswersThenTheLink();
  void KillAgentInACapture();

  void Reach(double share_of_the_day);
  void Begin(const std::string& what);
  void EndWhenDrained(const std::string& after);
  DemoProgress::Numbers Numbers();
  DemoOutcome Judge();

  const DemoOptions options_;
  ChaosProxy link_;
  CentreProgram centre_;
  AgentProgram agent_;
  StoreDriver driver_;
  DemoProgress progress_;
  std::vector<Disturbance> disturbances_;
  std::vector<Drain> drains_;
  bool centre_up_ = true;
};

}  // namespace tillwire
