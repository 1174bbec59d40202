// scripts/bench: how fast the real programs are on this machine, next to what its disk can do.
#include <sys/vfs.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/bench/report.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

constexpr long kTmpfsMagic = 0x01021994;

void MakeQuick(BenchOptions& options) {
  options.captures = 500;
  options.callers_slice = std::chrono::milliseconds(300);
  options.rounds = 2;
  options.drain_events = 20'000;
  options.drains = 1;
}

// In memory a sync costs nothing, and the ratios mean nothing.
bool IsInMemory(const std::filesystem::path& directory) {
  struct statfs system{};
  return statfs(directory.c_str(), &system) == 0 && system.f_type == kTmpfsMagic;
}

void Progress(const char* text) {
  std::fprintf(stderr, "%s\n", text);
}

BenchFigures Measure(const BenchOptions& options, const std::vector<std::string>& scenarios) {
  const auto wanted = [&](const char* name) {
    return scenarios.empty() || std::find(scenarios.begin(), scenarios.end(), name) != scenarios.end();
  };
  BenchFigures figures;
  if (wanted("capture")) {
    Progress("capture: one caller at a time, in turn with bare appends");
    figures.capture = MeasureCapture(options);
  }
  if (wanted("callers")) {
    Progress("callers: 1, 8 and 64 in turn");
    figures.callers = MeasureCallers(options);
  }
  if (wanted("drain")) {
    Progress("drain: a backlog, from the agent to the centre");
    figures.drains = MeasureDrains(options);
  }
  if (options.idle.count() > 0) {
    Progress("idle: connected, with nothing to do");
    figures.idle = MeasureIdle(options);
  }
  return figures;
}

int Main(int argc, char** argv) {
  CLI::App app("How fast tillwired and tillwire-ingestd are on this machine, next to what its disk can do");
  BenchOptions options;
  bool quick = false;
  bool json = false;
  std::vector<std::string> scenarios;
  std::int64_t slice_ms = 0;
  std::int64_t idle_s = 0;
  app.add_flag("--quick", quick, "Small sizes, some 20 s: to see that everything works, not to quote");
  app.add_flag("--json", json, "Prints one JSON object instead of tables");
  app.add_option("--only", scenarios, "Only these: capture, callers, drain")
      ->check(CLI::IsMember({"capture", "callers", "drain"}));
  app.add_option("--directory", options.directory,
                 "A folder on the disk to measure; what is put there is removed again (TMPDIR)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--seed", options.seed, "Of the events (1)");
  auto* captures = app.add_option("--captures", options.captures, "One at a time (4000)");
  auto* slice =
      app.add_option("--callers-ms", slice_ms, "For each number of callers, in each of 4 rounds (1500)");
  auto* events = app.add_option("--events", options.drain_events, "In a backlog (200000)");
  auto* drains = app.add_option("--drains", options.drains, "How often one is sent (3)");
  app.add_option("--idle", idle_s, "Seconds for which the idle programs are watched too (0)");
  for (auto* option : {captures, slice, events, drains}) option->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  if (quick) {
    BenchOptions small = options;
    MakeQuick(small);
    if (captures->count() == 0) options.captures = small.captures;
    if (events->count() == 0) options.drain_events = small.drain_events;
    if (drains->count() == 0) options.drains = small.drains;
    options.callers_slice = small.callers_slice;
    options.rounds = small.rounds;
  }
  if (slice_ms > 0) options.callers_slice = std::chrono::milliseconds(slice_ms);
  options.idle = std::chrono::seconds(idle_s);
  if (!options.directory.empty()) setenv("TMPDIR", options.directory.c_str(), 1);
  const TempDirectory directory;
  options.directory = directory.Path();
  if (IsInMemory(options.directory)) {
    std::fprintf(stderr,
                 "%s is in memory, where a sync costs nothing; name a folder on a disk: --directory\n",
                 options.directory.c_str());
    return 2;
  }
  const BenchFigures figures = Measure(options, scenarios);
  std::printf("%s", (json ? JsonOf(figures) + "\n" : TablesOf(figures)).c_str());
  return 0;
}

}  // namespace
}  // namespace tillwire

int main(int argc, char** argv) {
  try {
    return tillwire::Main(argc, argv);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "the measurement could not be finished: %s\n", fault.what());
    return 1;
  }
}
