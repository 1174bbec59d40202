#include "platform/metrics_text.h"

#include <catch2/catch.hpp>

#include "tests/support/exposition.h"

namespace tillwire {
namespace {

constexpr std::array<std::uint64_t, 3> kBounds = {100, 250, 1'000'000};

enum class Side { kUnspecified, kLeft, kRight };

const char* SideName(Side side) {
  switch (side) {
    case Side::kLeft:
      return "left";
    case Side::kRight:
      return "right";
    case Side::kUnspecified:
      break;
  }
  return nullptr;
}

TEST_CASE("Families come as Prometheus reads them") {
  Histogram histogram(kBounds);
  histogram.Observe(90);
  histogram.Observe(2'000'000);
  CounterBy<Side, Side::kRight> sides;
  sides[Side::kRight].Add(3);
  MetricsText text;
  text.Begin("a_total", MetricType::kCounter, "Counts a.").Samples(sides, "side", SideName);
  text.Begin("b_seconds", MetricType::kHistogram, "Spreads b.")
      .Sample(histogram, MetricsText::kMicrosecondsInSecond);
  text.Begin("c", MetricType::kGauge, "Now c.").Sample(0.5, {{"x", "1"}, {"y", "a\"b\\c\nd"}});
  CHECK(text.Text() ==
        "# HELP a_total Counts a.\n"
        "# TYPE a_total counter\n"
        "a_total{side=\"left\"} 0\n"
        "a_total{side=\"right\"} 3\n"
        "# HELP b_seconds Spreads b.\n"
        "# TYPE b_seconds histogram\n"
        "b_seconds_count 2\n"
        "b_seconds_sum 2.00009\n"
        "b_seconds_bucket{le=\"0.0001\"} 1\n"
        "b_seconds_bucket{le=\"0.00025\"} 1\n"
        "b_seconds_bucket{le=\"1\"} 1\n"
        "b_seconds_bucket{le=\"+Inf\"} 2\n"
        "# HELP c Now c.\n"
        "# TYPE c gauge\n"
        "c{x=\"1\",y=\"a\\\"b\\\\c\\nd\"} 0.5\n");
  CHECK(ParseExposition(text.Text()).problems.empty());
}

TEST_CASE("The check of a scrape sees what is wrong") {
  const auto problems = [](const std::string& text) { return ParseExposition(text).problems.size(); };
  CHECK(problems("# HELP a b\n# TYPE a gauge\na 1\n") == 0);
  CHECK(problems("a 1\n") > 0);
  CHECK(problems("# HELP a b\n# TYPE a gauge\na 1\na 1\n") > 0);
  CHECK(problems("# HELP a b\n# TYPE a counter\na 1\n") > 0);
  CHECK(problems("# HELP a b\n# TYPE a gauge\nb 1\n") > 0);
  CHECK(problems("# HELP a b\n# TYPE a gauge\na one\n") > 0);
  CHECK(problems("# HELP a b\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 1\n") > 0);
  CHECK(problems("# HELP a b\n# TYPE a gauge\n# HELP a b\n# TYPE a gauge\na 1\n") > 0);
}

TEST_CASE("A process tells its version and its start") {
  MetricsText text;
  AddProcessMetrics(text, "1.2.3", FromMicros(1'780'000'000'500'000));
  const auto scrape = ParseExposition(text.Text());
  CHECK(scrape.problems.empty());
  CHECK(scrape.Value("tillwire_build_info{version=\"1.2.3\"}") == 1);
  CHECK(scrape.Value("process_start_time_seconds") == 1'780'000'000.5);
}

}  // namespace
}  // namespace tillwire
