#include "tests/e2e/demo_report.h"

#include <cstdio>
#include <string>

namespace tillwire {
namespace {

// 2000 as "2,000".
std::string Thousands(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3) {
    text.insert(static_cast<std::size_t>(place), ",");
  }
  return text;
}

std::string Milliseconds(std::chrono::microseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(time.count()) / 1000.0);
  return text;
}

std::string Percentile(const std::vector<std::chrono::microseconds>& sorted, std::size_t percent) {
  return sorted.empty() ? "none online" : Milliseconds(sorted[(sorted.size() - 1) * percent / 100]);
}

void Row(const std::string& what, const std::string& value, const std::string& remark = {}) {
  std::printf("  %-44s %12s%s%s\n", what.c_str(), value.c_str(), remark.empty() ? "" : "   ", remark.c_str());
}

void Zero(const std::string& what, std::uint64_t value) {
  Row(what, Thousands(value), value == 0 ? "must be 0" : "must be 0   <-- FAILED");
}

}  // namespace

void PrintReport(const DemoOutcome& outcome) {
  const GuaranteeReport& guarantee = outcome.guarantee;
  std::printf("\n");
  Row("acknowledged at the till", Thousands(guarantee.acknowledged));
  Row("  of these by the command line", Thousands(outcome.acknowledged_by_cli));
  Row("at the centre", Thousands(guarantee.at_centre));
  Row("duplicates absorbed at the centre", Thousands(outcome.centre.duplicates),
      "at least " + Thousands(outcome.wanted_duplicates) +
          (outcome.centre.duplicates >= outcome.wanted_duplicates ? "" : "   <-- FAILED"));
  Row("attempts without an answer at the till", Thousands(outcome.unanswered), "each repeated with its key");
  Row("repeats answered with the first capture", Thousands(outcome.repeated), "double taps among them");
  Zero("lost", guarantee.lost);
  Zero("altered", guarantee.altered);
  Zero("in effect twice", guarantee.doubled);
  Zero("at the centre, but acknowledged to nobody", guarantee.unexpected);
  Zero("out of order in a lane", guarantee.out_of_order);
  Zero("broken links in the hash chain", guarantee.broken_links);
  Row("capture to centre while online, p50", Percentile(outcome.online_delays, 50),
      "of " + Thousands(outcome.online_delays.size()) + " captures");
  Row("capture to centre while online, p99", Percentile(outcome.online_delays, 99));
  for (const Drain& drain : outcome.drains) {
    Row("time to drain after " + drain.after, drain.time ? Milliseconds(*drain.time) : "not in a minute",
        Thousands(drain.waiting) + " waiting");
  }
  std::printf("\n");
  std::printf("%s", guarantee.Findings().c_str());
  for (const std::string& complaint : outcome.complaints) {
    std::printf("  %s\n", complaint.c_str());
  }
  std::printf(outcome.Passed()
                  ? "passed: what was acknowledged is at the centre, once, unaltered and in order\n"
                  : "FAILED: the guarantee was broken; the rows above say how\n");
}

}  // namespace tillwire
