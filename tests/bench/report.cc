#include "tests/bench/report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace tillwire {
namespace {

constexpr double kPercents[] = {50, 90, 99, 100};
constexpr double kMedianTimes = 1.5;
constexpr double kTailTimes = 4;
constexpr double kCallersTimes = 5;
constexpr double kDrainRate = 150'000;

std::string Number(double value, int digits = 0) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// In characters, of text in UTF-8.
std::size_t WidthOf(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

// Columns of the same width, so that the table reads well as plain text too.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }

  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  [[nodiscard]] std::string Text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], WidthOf(row[i]));
    }
    std::string text;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      text += Line(rows_[i], widths);
      if (i == 0) text += Rule(widths);
    }
    return text + "\n";
  }

 private:
  // The first column is words, the others are numbers.
  static std::string Line(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
    std::string line = "|";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - WidthOf(row[i]), ' ');
      line += i == 0 ? " " + row[i] + padding + " |" : " " + padding + row[i] + " |";
    }
    return line + "\n";
  }

  static std::string Rule(const std::vector<std::size_t>& widths) {
    std::string line = "|";
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += std::string(widths[i] + 1, '-') + (i == 0 ? "-|" : ":|");
    }
    return line + "\n";
  }

  std::vector<std::vector<std::string>> rows_;
};

void AddLatencies(Table& table, const std::string& name, const Samples& samples,
                  std::vector<std::string> more) {
  std::vector<std::string> row{name};
  for (const double percent : kPercents) row.push_back(Number(samples.Percentile(percent)));
  row.insert(row.end(), more.begin(), more.end());
  table.Add(std::move(row));
}

double Ratio(const Samples& one, const Samples& other, double percent) {
  return one.Percentile(percent) / other.Percentile(percent);
}

std::string CaptureTable(const CaptureFigures& figures) {
  Table table({"one at a time, µs", "p50", "p90", "p99", "max", "capture is, p50", "p99"});
  const auto add = [&](const char* name, const Samples& base) {
    AddLatencies(table, name, base,
                 {Number(Ratio(figures.capture, base, 50), 2) + " times",
                  Number(Ratio(figures.capture, base, 99), 2) + " times"});
  };
  add("4 KiB append and fdatasync, growing file", figures.growing);
  add("the same, prewritten file", figures.prewritten);
  AddLatencies(table, "call that the agent refuses at once", figures.refused, {"", ""});
  AddLatencies(table, "capture over the socket", figures.capture, {"", ""});
  return table.Text() + "Of a capture the agent used " + Number(figures.agent_cpu_us) +
         " µs of CPU and wrote " + Number(figures.synced_bytes / 1024, 1) + " KiB.\n\n";
}

std::string CallersTable(const std::map<std::size_t, CallersFigures>& all) {
  Table table({"concurrent callers", "captures/s", "times one", "p50 µs", "p99 µs", "agent CPU µs each"});
  const double one = all.begin()->second.per_second;
  for (const auto& [callers, figures] : all) {
    table.Add({std::to_string(callers), Number(figures.per_second), Number(figures.per_second / one, 2),
               Number(figures.capture.Percentile(50)), Number(figures.capture.Percentile(99)),
               Number(figures.agent_cpu_us)});
  }
  return table.Text();
}

std::string DrainTable(const std::vector<DrainFigures>& drains) {
  Table table({"drain", "events", "bytes each", "s at the agent", "events/s", "events/s at the centre",
               "agent CPU µs each", "centre CPU µs each"});
  for (std::size_t i = 0; i < drains.size(); ++i) {
    const DrainFigures& drain = drains[i];
    table.Add({std::to_string(i + 1), std::to_string(drain.events), Number(drain.event_bytes),
               Number(drain.agent_seconds, 2), Number(drain.AgentRate()), Number(drain.CentreRate()),
               Number(drain.agent_cpu_us, 2), Number(drain.centre_cpu_us, 2)});
  }
  return table.Text();
}

std::string IdleTable(const IdleFigures& idle) {
  Table table({"idle and connected", "CPU ms a minute", "memory of its own, KiB"});
  table.Add({"tillwired", Number(idle.agent_cpu_ms), Number(idle.agent_memory_kib)});
  table.Add({"tillwire-ingestd", Number(idle.centre_cpu_ms), Number(idle.centre_memory_kib)});
  return table.Text();
}

std::string VerdictTable(const std::vector<Verdict>& verdicts) {
  Table table({"target", "wanted", "measured", "verdict"});
  for (const Verdict& verdict : verdicts) {
    const int digits = verdict.wanted > 100 ? 0 : 2;
    table.Add({verdict.what,
               std::string(verdict.at_most ? "at most " : "at least ") +
                   Number(verdict.wanted, verdict.wanted > 100 ? 0 : 1) + verdict.unit,
               Number(verdict.measured, digits) + verdict.unit,
               verdict.Reached() ? "reached" : "not reached"});
  }
  return table.Text();
}

nlohmann::json JsonOf(const Samples& samples) {
  return {{"count", samples.Count()},
          {"p50_us", samples.Percentile(50)},
          {"p90_us", samples.Percentile(90)},
          {"p99_us", samples.Percentile(99)},
          {"max_us", samples.Percentile(100)}};
}

}  // namespace

std::vector<Verdict> Judge(const BenchFigures& figures) {
  std::vector<Verdict> verdicts;
  if (figures.capture) {
    const CaptureFigures& capture = *figures.capture;
    verdicts.push_back({"capture p50, to that of a growing file's append",
                        Ratio(capture.capture, capture.growing, 50), kMedianTimes, true, " times"});
    verdicts.push_back({"capture p99, to that of a growing file's append",
                        Ratio(capture.capture, capture.growing, 99), kTailTimes, true, " times"});
  }
  if (!figures.callers.empty()) {
    verdicts.push_back({"64 callers, to one caller's rate",
                        figures.callers.at(64).per_second / figures.callers.at(1).per_second, kCallersTimes,
                        false, " times"});
  }
  if (!figures.drains.empty()) {
    std::vector<double> rates;
    for (const DrainFigures& drain : figures.drains) rates.push_back(drain.AgentRate());
    std::sort(rates.begin(), rates.end());
    verdicts.push_back({"drain, median of " + std::to_string(rates.size()), rates[rates.size() / 2],
                        kDrainRate, false, "/s"});
  }
  return verdicts;
}

std::string TablesOf(const BenchFigures& figures) {
  std::string text;
  const auto verdicts = Judge(figures);
  if (!verdicts.empty()) text += VerdictTable(verdicts);
  if (figures.capture) text += CaptureTable(*figures.capture);
  if (!figures.callers.empty()) text += CallersTable(figures.callers);
  if (!figures.drains.empty()) text += DrainTable(figures.drains);
  if (figures.idle) text += IdleTable(*figures.idle);
  return text;
}

std::string JsonOf(const BenchFigures& figures) {
  nlohmann::json root = nlohmann::json::object();
  if (figures.capture) {
    root["capture"] = {{"append_growing", JsonOf(figures.capture->growing)},
                       {"append_prewritten", JsonOf(figures.capture->prewritten)},
                       {"refused_call", JsonOf(figures.capture->refused)},
                       {"capture", JsonOf(figures.capture->capture)},
                       {"agent_cpu_us", figures.capture->agent_cpu_us},
                       {"written_bytes", figures.capture->synced_bytes}};
  }
  for (const auto& [callers, found] : figures.callers) {
    root["callers"].push_back({{"callers", callers},
                               {"per_second", found.per_second},
                               {"capture", JsonOf(found.capture)},
                               {"agent_cpu_us", found.agent_cpu_us}});
  }
  for (const DrainFigures& drain : figures.drains) {
    root["drains"].push_back({{"events", drain.events},
                              {"event_bytes", drain.event_bytes},
                              {"agent_seconds", drain.agent_seconds},
                              {"agent_per_second", drain.AgentRate()},
                              {"centre_per_second", drain.CentreRate()},
                              {"agent_cpu_us", drain.agent_cpu_us},
                              {"centre_cpu_us", drain.centre_cpu_us}});
  }
  if (figures.idle) {
    root["idle"] = {{"agent_cpu_ms_a_minute", figures.idle->agent_cpu_ms},
                    {"centre_cpu_ms_a_minute", figures.idle->centre_cpu_ms},
                    {"agent_memory_kib", figures.idle->agent_memory_kib},
                    {"centre_memory_kib", figures.idle->centre_memory_kib}};
  }
  for (const Verdict& verdict : Judge(figures)) {
    root["targets"].push_back({{"what", verdict.what},
                               {"wanted", verdict.wanted},
                               {"at_most", verdict.at_most},
                               {"measured", verdict.measured},
                               {"reached", verdict.Reached()}});
  }
  return root.dump(2);
}

}  // namespace tillwire
