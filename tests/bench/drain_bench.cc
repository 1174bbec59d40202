#include "tests/bench/drain_bench.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/e2e/agent_program.h"
#include "tests/e2e/centre_program.h"
#include "tests/e2e/full_outbox.h"
#include "tests/support/process_usage.h"

namespace tillwire {
namespace {

constexpr std::chrono::minutes kDrainTimeout{5};

// From the first commit's time to the last one's. The centre has stopped.
double LedgerSeconds(const std::filesystem::path& ledger, std::size_t events) {
  SQLite::Database database(ledger.string(), SQLite::OPEN_READWRITE);  // WAL is recovered by a writer
  SQLite::Statement select(
      database, "SELECT count(*), max(received_at) - min(received_at) FROM entries WHERE kind = 1");
  select.executeStep();
  if (static_cast<std::size_t>(select.getColumn(0).getInt64()) != events) {
    throw std::runtime_error("the ledger holds " + select.getColumn(0).getString() + " events, not " +
                             std::to_string(events));
  }
  return static_cast<double>(select.getColumn(1).getInt64()) / 1e6;
}

double MicrosEach(std::chrono::milliseconds time, std::size_t events) {
  return 1000.0 * static_cast<double>(time.count()) / static_cast<double>(events);
}

DrainFigures DrainOnce(const BenchOptions& options, const std::filesystem::path& directory) {
  CentreProgram centre(CentreSettings(directory / "centre"));
  centre.Start();
  AgentSettings settings;
  settings.directory = directory / "agent";
  settings.server_port = centre.Port();
  AgentProgram agent(settings);
  DrainFigures figures;
  figures.events = options.drain_events;
  figures.event_bytes = FillOutbox(agent, {options.seed, options.drain_events});

  const auto centre_cpu = ReadProcessUsage(centre.Pid()).cpu;
  agent.Start();
  if (!agent.WaitUntilConnected()) throw std::runtime_error("the agent did not connect:\n" + agent.Log());
  const auto begin = std::chrono::steady_clock::now();
  if (!agent.WaitUntilDrained(kDrainTimeout)) throw std::runtime_error("the outbox was not drained in time");
  figures.agent_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  figures.agent_cpu_us = MicrosEach(ReadProcessUsage(agent.Pid()).cpu, figures.events);
  figures.centre_cpu_us = MicrosEach(ReadProcessUsage(centre.Pid()).cpu - centre_cpu, figures.events);
  agent.Stop();
  centre.Stop();
  figures.centre_seconds = LedgerSeconds(centre.LedgerFile(), figures.events);
  return figures;
}

}  // namespace

std::vector<DrainFigures> MeasureDrains(const BenchOptions& options) {
  std::vector<DrainFigures> all;
  for (std::size_t i = 0; i < options.drains; ++i) {
    const std::filesystem::path directory = options.directory / ("drain-" + std::to_string(i));
    all.push_back(DrainOnce(options, directory));
    std::filesystem::remove_all(directory);
  }
  return all;
}

IdleFigures MeasureIdle(const BenchOptions& options) {
  CentreProgram centre(CentreSettings(options.directory / "idle-centre"));
  centre.Start();
  AgentSettings settings;
  settings.directory = options.directory / "idle-agent";
  settings.server_port = centre.Port();
  AgentProgram agent(settings);
  agent.Start();
  if (!agent.WaitUntilConnected()) throw std::runtime_error("the agent did not connect:\n" + agent.Log());
  const ProcessUsage agent_before = ReadProcessUsage(agent.Pid());
  const ProcessUsage centre_before = ReadProcessUsage(centre.Pid());
  std::this_thread::sleep_for(options.idle);  // the measured time itself
  const ProcessUsage agent_after = ReadProcessUsage(agent.Pid());
  const ProcessUsage centre_after = ReadProcessUsage(centre.Pid());
  const double minutes = static_cast<double>(options.idle.count()) / 60;
  IdleFigures figures;
  figures.agent_cpu_ms = static_cast<double>((agent_after.cpu - agent_before.cpu).count()) / minutes;
  figures.centre_cpu_ms = static_cast<double>((centre_after.cpu - centre_before.cpu).count()) / minutes;
  figures.agent_memory_kib = static_cast<double>(agent_after.anonymous_kib);
  figures.centre_memory_kib = static_cast<double>(centre_after.anonymous_kib);
  agent.Stop();
  centre.Stop();
  return figures;
}

}  // namespace tillwire
