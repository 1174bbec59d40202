// tillwire-sim: runs of the whole protocol against everything that can go wrong, each from a seed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <string>

#include "tests/sim/sim_run.h"

namespace tillwire {
namespace {

struct Outcome {
  SimTally tally;
  std::uint64_t first_failed = 0;
};

Outcome RunSeeds(std::uint64_t first, std::uint64_t count, SimOptions options, bool tell) {
  Outcome outcome;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    options.seed = seed;
    const SimReport report = Simulate(options);
    outcome.tally.Add(report);
    if (report.complaints.empty()) continue;
    if (outcome.first_failed == 0) outcome.first_failed = seed;
    if (tell) std::cout << "seed " << seed << ' ' << report.Text();
  }
  return outcome;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Simulates terminals, the centre, their disks and the network between them in virtual time, with "
      "crashes, power "
      "cuts, restores and copies, and checks the guarantee.",
      "tillwire-sim");
  std::uint64_t first = 1;
  std::uint64_t count = 1;
  std::string bug;
  bool trace = false;
  bool teeth = false;
  app.add_option("--seed", first, "the seed, or the first one")->capture_default_str();
  app.add_option("--seeds", count, "how many seeds to run from there")->capture_default_str();
  app.add_flag("--trace", trace, "print what happens as it happens");
  app.add_option("--bug", bug, "plant this bug: the runs are to find it");
  app.add_flag("--teeth", teeth, "plant each bug in turn, and say how many of the seeds find it");
  CLI11_PARSE(app, argc, argv);

  SimOptions options;
  options.print_trace = trace;
  if (!bug.empty()) {
    const auto found = FindSimBug(bug);
    if (!found) {
      std::cerr << "error: no bug is called " << bug << "; these are:\n";
      for (const SimBugName& known : SimBugs()) std::cerr << "    " << known.name << '\n';
      return 2;
    }
    options.bug = *found;
  }
  if (teeth) {
    bool all = true;
    for (const SimBugName& known : SimBugs()) {
      options.bug = known.bug;
      const SimTally tally = RunSeeds(first, count, options, false).tally;
      fmt::print("{:<30} found by {:4} of {} seeds{}  ({})\n", known.name, tally.failed, tally.runs,
                 tally.failed == 0 ? ": NOT FOUND" : "", known.what);
      if (tally.failed == 0) all = false;
    }
    return all ? 0 : 1;
  }
  const auto began = std::chrono::steady_clock::now();
  const Outcome outcome = RunSeeds(first, count, options, true);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("{}; {:.1f} s\n", outcome.tally.Text(), took.count());
  if (outcome.tally.failed == 0) return 0;
  fmt::print("replay: tillwire-sim --seed {} --trace{}{}\n", outcome.first_failed,
             bug.empty() ? "" : " --bug ", bug);
  return 1;
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  return tillwire::Main(argc, argv);
}
