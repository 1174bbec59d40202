#include "tests/support/store_day.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

namespace tillwire {
namespace {

std::string Serialize(const std::vector<PlannedCapture>& plan) {
  std::string all;
  for (const PlannedCapture& capture : plan) {
    all += capture.request.DebugString();
  }
  return all;
}

TEST_CASE("A seed names one day") {
  StoreDayOptions options;
  options.captures = 300;
  const std::string first = Serialize(PlanStoreDay(options));
  CHECK(Serialize(PlanStoreDay(options)) == first);
  options.seed = 2;
  CHECK(Serialize(PlanStoreDay(options)) != first);
}

TEST_CASE("A day has cancellations and the bin clears that follow them") {
  const std::vector<PlannedCapture> plan = PlanStoreDay({});
  REQUIRE(plan.size() == 2000);
  std::size_t following = 0;
  std::set<std::string> keys;
  for (std::size_t place = 0; place < plan.size(); ++place) {
    const PlannedCapture& capture = plan[place];
    CHECK(keys.insert(capture.request.idempotency_key()).second);
    if (capture.cancellation) {
      ++following;
      REQUIRE(*capture.cancellation < place);
      CHECK(plan[*capture.cancellation].request.has_order_cancellation());
      CHECK(plan[*capture.cancellation].lane == capture.lane);
    }
  }
  CHECK(following > 500);
}

}  // namespace
}  // namespace tillwire
