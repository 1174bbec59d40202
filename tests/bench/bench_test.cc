// That the measurement measures: small sizes, every figure there and possible. Not how fast anything is.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/bench/samples.h"
#include "tests/support/process.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE("Percentiles are of the samples themselves") {
  Samples samples;
  for (int i = 100; i >= 0; --i) samples.Add(std::chrono::microseconds(i));
  CHECK(samples.Percentile(50) == 50);
  CHECK(samples.Percentile(99) == 99);
  CHECK(samples.Percentile(100) == 100);
}

TEST_CASE("A quick run measures everything") {
  const CommandOutcome outcome = RunCommand(TILLWIRE_BENCH_PROGRAM, {"--quick", "--json"}, {}, 150s);
  INFO(outcome.output << outcome.errors);
  REQUIRE(outcome.status.code == 0);
  const auto figures = nlohmann::json::parse(outcome.output);
  for (const char* what : {"append_growing", "append_prewritten", "refused_call", "capture"}) {
    INFO(what);
    CHECK(figures["capture"][what]["count"] == 500);
    CHECK(figures["capture"][what]["p50_us"] > 0);
    CHECK(figures["capture"][what]["max_us"] >= figures["capture"][what]["p99_us"]);
  }
  CHECK(figures["callers"].size() == 3);
  for (const auto& callers : figures["callers"]) CHECK(callers["per_second"] > 0);
  REQUIRE(figures["drains"].size() == 1);
  CHECK(figures["drains"][0]["events"] == 20'000);
  CHECK(figures["drains"][0]["agent_per_second"] > 0);
  CHECK(figures["drains"][0]["centre_per_second"] > 0);
  CHECK(figures["targets"].size() == 4);
}

}  // namespace
}  // namespace tillwire
