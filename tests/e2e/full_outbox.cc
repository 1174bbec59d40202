#include "tests/e2e/full_outbox.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "platform/system_clock.h"
#include "platform/system_rng.h"
#include "storage/outbox.h"
#include "tests/support/event_facts.h"
#include "tests/support/store_day.h"

namespace tillwire {
namespace {

constexpr std::size_t kCapturesInATransaction = 20'000;

}  // namespace

double FillOutbox(AgentProgram& agent, const Backlog& backlog) {
  const SystemClock clock;
  SystemRng rng;
  OutboxOptions options;
  options.directory = agent.OutboxDirectory();
  options.store_id = agent.Settings().store_id;
  options.terminal_id = agent.Settings().terminal_id;
  options.machine_id = agent.Settings().machine_id;
  Result<std::unique_ptr<Outbox>> opened = Outbox::Open(options, clock, rng);
  if (!opened) throw std::runtime_error(opened.error().Text());
  Outbox& outbox = **opened;
  StoreDayOptions day;
  day.seed = backlog.seed;
  day.captures = std::min(kCapturesInATransaction, backlog.events);
  const std::vector<PlannedCapture> plan = PlanStoreDay(day);
  UuidGenerator event_ids(rng);
  std::size_t bytes = 0;
  for (std::size_t done = 0; done < backlog.events;) {
    outbox.Begin();
    const std::string round = std::to_string(done);
    for (std::size_t i = 0; i < plan.size() && done < backlog.events; ++i, ++done) {
      CaptureInput input;
      input.captured_at = clock.WallNow();
      input.event_id = event_ids.Make(input.captured_at);
      input.lane = plan[i].lane + "-" + round;
      input.event = MakeEvent(plan[i].request, input.event_id.ToString(), input.captured_at);
      input.idempotency = {Sha256(input.lane + plan[i].request.idempotency_key()), Sha256(input.event)};
      bytes += input.event.size();
      if (!outbox.Capture(input).ok()) {
        throw std::runtime_error("the outbox took no more at " + std::to_string(done));
      }
    }
    outbox.Commit();
  }
  return static_cast<double>(bytes) / static_cast<double>(backlog.events);
}

}  // namespace tillwire
