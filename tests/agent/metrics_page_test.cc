#include "agent/metrics_page.h"

#include <catch2/catch.hpp>

#include "tests/agent/capture/fake_capture_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/exposition.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

class Rig {
 protected:
  Exposition Scrape() {
    const Exposition scrape = ParseExposition(page_.Metrics());
    INFO((scrape.problems.empty() ? "" : scrape.problems.front()));
    CHECK(scrape.problems.empty());
    return scrape;
  }

  FakeClock clock_{FromMicros(1'780'000'000'000'000)};
  FakeCaptureStore store_;
  AgentMetrics metrics_;
  UplinkStatus uplink_;
  SpoolStatus spool_;
  AgentMetricsPage page_{
      metrics_, store_, clock_, {"9.8.7", [this] { return uplink_; }, [this] { return spool_; }, 200ms}};
};

TEST_CASE_METHOD(Rig, "The outbox's numbers are those of the moment") {
  OutboxStatus status;
  status.pending = 3;
  status.parked = 2;
  status.delivered = 40;
  status.lost = 5;
  status.not_in_effect = 1;
  status.released = 6;
  status.used_bytes = 4096;
  status.max_bytes = 1 << 20;
  status.room.bytes = 512;
  status.room.stage = RoomStage::kBinClearsRefused;
  status.oldest_pending = clock_.WallNow() - 12min;
  store_.SetStatus(status);
  uplink_.connected_since = clock_.WallNow();
  spool_.waiting = 6;
  spool_.bad.total = 2;
  const Exposition scrape = Scrape();
  CHECK(scrape.Value("tillwire_outbox_up") == 1);
  CHECK(scrape.Value("tillwire_outbox_events{state=\"pending\"}") == 3);
  CHECK(scrape.Value("tillwire_outbox_events{state=\"parked\"}") == 2);
  CHECK(scrape.Value("tillwire_outbox_events{state=\"delivered\"}") == 40);
  CHECK(scrape.Value("tillwire_outbox_events{state=\"lost\"}") == 5);
  CHECK(scrape.Value("tillwire_outbox_events{state=\"not_in_effect\"}") == 1);
  CHECK(scrape.Value("tillwire_outbox_events{state=\"released\"}") == 6);
  CHECK(scrape.Value("tillwire_outbox_oldest_pending_seconds") == 720);
  CHECK(scrape.Value("tillwire_outbox_used_bytes") == 4096);
  CHECK(scrape.Value("tillwire_outbox_max_bytes") == 1 << 20);
  CHECK(scrape.Value("tillwire_outbox_room_bytes") == 512);
  CHECK(scrape.Value("tillwire_outbox_stage") == 2);
  CHECK(scrape.Value("tillwire_outbox_writable") == 1);
  CHECK(scrape.Value("tillwire_uplink_connected") == 1);
  CHECK(scrape.Value("tillwire_build_info{version=\"9.8.7\"}") == 1);
  CHECK(scrape.Value("process_start_time_seconds") == 1'780'000'000);
  CHECK(scrape.Value("tillwire_spool_files{state=\"waiting\"}") == 6);
  CHECK(scrape.Value("tillwire_spool_files{state=\"bad\"}") == 2);
  CHECK(page_.Health().ok());
}

TEST_CASE_METHOD(Rig, "A till that takes no captures is not healthy") {
  OutboxStatus status;
  status.room.stage = RoomStage::kCapturesRefused;
  store_.SetStatus(status);
  CHECK(page_.Health().error().code == ErrorCode::kResourceExhausted);
  status.trouble = Error{ErrorCode::kUnavailable, "a failing disk", "check it"};
  store_.SetStatus(status);
  CHECK(page_.Health().error().message == "a failing disk");
  CHECK(Scrape().Value("tillwire_outbox_writable") == 0);
}

TEST_CASE_METHOD(Rig, "What was counted is shown under its labels") {
  metrics_.capture.captured[EventSource::kCli].Add(4);
  metrics_.capture.repeated.Add(2);
  metrics_.capture.refused[ErrorCode::kResourceExhausted].Add(7);
  metrics_.capture.seconds.Observe(3ms);
  metrics_.uplink.delivered.Add(9);
  metrics_.uplink.parked[ParkReason::kTooManyLines].Add(1);
  metrics_.uplink.failures[UplinkProblem::kCaptivePortal].Add(3);
  metrics_.uplink.connects.Add(2);
  metrics_.commits.records.Observe(std::uint64_t{64});
  const Exposition scrape = Scrape();
  CHECK(scrape.Value("tillwire_captured_total{source=\"cli\"}") == 4);
  CHECK(scrape.Value("tillwire_captured_total{source=\"grpc\"}") == 0);
  CHECK(scrape.Value("tillwire_captured_total{source=\"spool\"}") == 0);
  CHECK(scrape.Value("tillwire_capture_repeated_total") == 2);
  CHECK(scrape.Value("tillwire_capture_refused_total{code=\"RESOURCE_EXHAUSTED\"}") == 7);
  CHECK(scrape.Value("tillwire_capture_seconds_count") == 1);
  CHECK(scrape.Value("tillwire_capture_seconds_sum") == 0.003);
  CHECK(scrape.Value("tillwire_capture_seconds_bucket{le=\"0.0025\"}") == 0);
  CHECK(scrape.Value("tillwire_capture_seconds_bucket{le=\"0.005\"}") == 1);
  CHECK(scrape.Value("tillwire_delivered_total") == 9);
  CHECK(scrape.Value("tillwire_parked_total{reason=\"TOO_MANY_LINES\"}") == 1);
  CHECK(scrape.Value("tillwire_delivery_failures_total{code=\"CAPTIVE_PORTAL\"}") == 3);
  CHECK(scrape.Value("tillwire_uplink_connects_total") == 2);
  CHECK(scrape.Value("tillwire_uplink_connected") == 0);
  CHECK(scrape.Value("tillwire_commit_records_bucket{le=\"32\"}") == 0);
  CHECK(scrape.Value("tillwire_commit_records_bucket{le=\"64\"}") == 1);
}

TEST_CASE_METHOD(Rig,
                 "A disk that hangs costs a scrape the outbox's numbers, and no more than its patience") {
  store_.Hold();
  const auto begin = std::chrono::steady_clock::now();
  const Exposition scrape = Scrape();
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(scrape.Value("tillwire_outbox_up") == 0);
  CHECK_FALSE(scrape.types.contains("tillwire_outbox_events"));
  CHECK(scrape.Value("tillwire_delivered_total") == 0);
  const auto health = page_.Health();
  REQUIRE_FALSE(health.ok());
  CHECK(health.error().message == "the storage thread does not answer");
  store_.Release();
  // The question of the first scrape may still be answered; the one after it is a new one.
  page_.Metrics();
  CHECK(Scrape().Value("tillwire_outbox_up") == 1);
}

TEST_CASE_METHOD(Rig, "A store that refuses is not healthy") {
  store_.FailWith({ErrorCode::kUnavailable, "the store stopped after a failed write", "check the disk"});
  CHECK(Scrape().Value("tillwire_outbox_up") == 0);
  REQUIRE_FALSE(page_.Health().ok());
  CHECK(page_.Health().error().hint == "check the disk");
}

TEST_CASE_METHOD(Rig, "A clock that went back makes nothing older than nothing") {
  OutboxStatus status;
  status.pending = 1;
  status.oldest_pending = clock_.WallNow() + 1h;
  store_.SetStatus(status);
  CHECK(Scrape().Value("tillwire_outbox_oldest_pending_seconds") == 0);
}

}  // namespace
}  // namespace tillwire
