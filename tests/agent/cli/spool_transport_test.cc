// The command's side of the spool.
#include "agent/cli/spool_transport.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <thread>

#include "core/derived_event_id.h"
#include "core/spool_name.h"
#include "core/uuid.h"
#include "proto/json_codec.h"
#include "tests/support/temp_directory.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

namespace fs = std::filesystem;

v1::CaptureEventRequest Request(const std::string& order, const std::string& key) {
  v1::CaptureEventRequest request;
  request.set_idempotency_key(key);
  request.set_operator_id("117");
  auto& body = *request.mutable_order_cancellation();
  body.set_order_id(order);
  body.set_scope(v1::CANCELLATION_SCOPE_WHOLE_ORDER);
  body.set_initiator(v1::CANCELLATION_INITIATOR_CUSTOMER);
  body.set_reason(v1::CANCELLATION_REASON_FRAUD);
  body.set_release_policy(v1::RELEASE_POLICY_NONE);
  return request;
}

class Fixture {
 protected:
  Fixture() { REQUIRE(SpoolFolder::Create(Path()).ok()); }

  [[nodiscard]] fs::path Path() const { return directory_.Path() / "spool"; }
  [[nodiscard]] Result<Spooled> Capture(const v1::CaptureEventRequest& request) const {
    auto spool = SpoolTransport::Open(Path());
    REQUIRE(spool.ok());
    return spool->CaptureEvent(request);
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    return SpoolFolder::Open(Path())->Waiting(1000, [](const std::string&) { return true; })->names;
  }
  [[nodiscard]] std::string Problem(const v1::CaptureEventRequest& request) const {
    const auto spooled = Capture(request);
    REQUIRE_FALSE(spooled.ok());
    CHECK(fs::is_empty(Path() / "tmp"));
    return spooled.error().Text();
  }

 private:
  TempDirectory directory_;
};

TEST_CASE_METHOD(Fixture, "A capture becomes a whole file with its id, key and time") {
  const auto spooled = Capture(Request("A", "key/1"));
  REQUIRE(spooled.ok());
  CHECK(Uuid::Parse(spooled->event_id));
  CHECK(spooled->path.parent_path() == Path() / "new");
  CHECK_THAT(spooled->path.string(), Catch::EndsWith("-key_1.json"));
  CHECK(fs::is_empty(Path() / "tmp"));
  std::ifstream file(spooled->path);
  v1::CaptureEventRequest read;
  REQUIRE(ParseJson(std::string{std::istreambuf_iterator<char>(file), {}}, read).ok());
  CHECK(read.event_id() == spooled->event_id);
  CHECK(read.idempotency_key() == "key/1");
  CHECK(read.source() == v1::EVENT_SOURCE_CLI);
  CHECK(read.has_record_time());
  CHECK_FALSE(read.has_occur_time());
}

TEST_CASE_METHOD(Fixture, "The id is the one that the agent derives from key and time") {
  REQUIRE(SpoolFolder::Open(Path())->SetOwner({"0042", "till-3"}).ok());
  auto request = Request("A", "k");
  request.mutable_occur_time()->set_seconds(1'777'896'120);
  const auto derived = DerivedEventId("0042", "till-3", "k", FromMicros(1'777'896'120'000'000)).ToString();
  const auto spooled = Capture(request);
  REQUIRE(spooled.ok());
  CHECK(spooled->event_id == derived);
  fs::remove(spooled->path);  // the agent takes it, and is down again
  CHECK(Capture(request)->event_id == derived);

  // Without a time that of the file counts.
  const auto untimed = Capture(Request("B", "k2"));
  v1::CaptureEventRequest read;
  REQUIRE(ParseJson(*SpoolFolder::Open(Path())->Read(untimed->path.filename()), read).ok());
  const auto record_time =
      FromMicros(read.record_time().seconds() * 1'000'000 + read.record_time().nanos() / 1000);
  CHECK(untimed->event_id == DerivedEventId("0042", "till-3", "k2", record_time).ToString());
}

TEST_CASE_METHOD(Fixture,
                 "A repeat of what somebody dropped names that file, and its event where it has an id") {
  REQUIRE(SpoolFolder::Open(Path())->SetOwner({"0042", "till-3"}).ok());
  auto timed = Request("A", "k1");
  timed.mutable_occur_time()->set_seconds(1'777'896'120);
  const auto untimed = Request("B", "k2");
  std::ofstream(Path() / "new" / MakeSpoolName(1, "k1")) << ToJson(timed, JsonLayout::kOneLine);
  auto keyless = untimed;
  keyless.clear_idempotency_key();
  std::ofstream(Path() / "new" / MakeSpoolName(2, "k2")) << ToJson(keyless, JsonLayout::kOneLine);
  const auto first = Capture(timed);
  REQUIRE(first.ok());
  CHECK(first->repeated);
  CHECK(first->event_id ==
        DerivedEventId("0042", "till-3", "k1", FromMicros(1'777'896'120'000'000)).ToString());
  const auto found = FindInSpool(Path(), first->event_id);
  REQUIRE((found.ok() && *found));
  CHECK((*found)->path == first->path);
  const auto second = Capture(untimed);
  REQUIRE(second.ok());
  CHECK(second->repeated);
  CHECK(second->event_id.empty());
  CHECK(second->path == Path() / "new" / MakeSpoolName(2, "k2"));
  CHECK_THAT(Problem(Request("C", "k2")), Catch::StartsWith("idempotency_key was used before"));
  CHECK(Names().size() == 2);
}

TEST_CASE_METHOD(Fixture, "Files sort in the order of the commands, also where the clock was set back") {
  const std::uint64_t ahead = 4'000'000'000'000'000;  // the year 2096
  std::ofstream(Path() / "new" / MakeSpoolName(ahead, "early")) << "{}";
  std::ofstream(Path() / "new" / "99999999999999999999-z") << "{}";
  for (int i = 0; i < 20; ++i) REQUIRE(Capture(Request("A", "k" + std::to_string(i))).ok());
  const auto names = Names();
  REQUIRE(names.size() == 22);
  for (int i = 0; i < 20; ++i) CHECK(names[i + 1] == MakeSpoolName(ahead + 1 + i, "k" + std::to_string(i)));
}

TEST_CASE_METHOD(Fixture, "A file with one of the last counters does not make commands share one") {
  // Behind the last one there is no room; the other is where room ends.
  const std::uint64_t last = GENERATE(kMaxSpoolCounter - 1, kMaxSpoolCounter - kMaxSpoolFiles - 1);
  std::ofstream(Path() / "new" / MakeSpoolName(last, "z")) << "{}";
  for (int i = 0; i < 5; ++i) REQUIRE(Capture(Request("A", "k" + std::to_string(9 - i))).ok());
  std::set<std::uint64_t> counters;
  std::vector<std::string> ours;
  for (const auto& name : Names()) {
    const auto counter = CounterOfSpoolName(name);
    REQUIRE(counter);
    counters.insert(*counter);
    if (*counter != last) ours.push_back(*KeyOfSpoolName(name));
  }
  CHECK(counters.size() == 6);
  CHECK(ours == std::vector<std::string>{"k9", "k8", "k7", "k6", "k5"});
}

TEST_CASE_METHOD(Fixture, "Commands at the same time each get a place of their own") {
  std::vector<std::thread> threads;
  std::atomic<int> stored = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 10; ++i) {
        auto spool = SpoolTransport::Open(Path());
        const std::string key = std::to_string(thread) + "-" + std::to_string(i);
        if (spool && spool->CaptureEvent(Request("A", key))) ++stored;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(stored == 40);
  std::set<std::string> counters;
  for (const auto& name : Names()) counters.insert(name.substr(0, kSpoolCounterDigits));
  CHECK(counters.size() == 40);
}

TEST_CASE_METHOD(Fixture, "A repeat names the first capture, the same key for another action is refused") {
  const auto first = Capture(Request("A", "k"));
  const auto repeat = Capture(Request("A", "k"));
  REQUIRE(repeat.ok());
  CHECK(repeat->repeated);
  CHECK(repeat->event_id == first->event_id);
  CHECK(Names().size() == 1);
  CHECK_THAT(Problem(Request("B", "k")), Catch::StartsWith("idempotency_key was used before"));
  CHECK(Capture(Request("A", "other-k"))->repeated == false);
}

TEST_CASE_METHOD(Fixture,
                 "What the agent would refuse is refused with its words, and leaves nothing behind") {
  CHECK(Problem(Request("", "k")) ==
        "order_cancellation.order_id is required where there is no fulfillment_order_id; name the order that "
        "was "
        "cancelled");
  auto request = Request("A", "k");
  request.set_event_id("01980000-0000-7000-8000-000000000001");
  CHECK(Problem(request) == "event_id is the agent's to give; leave it out");
  request = Request("A", "k");
  for (int i = 0; i < 500; ++i) {
    auto& line = *request.mutable_order_cancellation()->add_lines();
    line.set_sku(std::string(128, 's'));
    line.set_line_id(std::string(128, 'l'));
    line.set_quantity(1);
  }
  CHECK_THAT(Problem(request), Catch::Contains("bytes; an event may have 65536"));
  CHECK(Names().empty());
}

TEST_CASE_METHOD(Fixture, "As long as a command may write, the agent does not pass its lock") {
  const auto folder = SpoolFolder::Open(Path());
  {
    const auto spool = SpoolTransport::Open(Path());
    REQUIRE(spool.ok());
    CHECK_FALSE(folder->TryLock(SpoolLock::kDecision, true)->has_value());
  }
  CHECK(folder->TryLock(SpoolLock::kDecision, true)->has_value());
}

TEST_CASE_METHOD(Fixture, "An event is found by its id, but not by one that only names it") {
  const auto cancelled = Capture(Request("A", "k"));
  REQUIRE(cancelled.ok());
  v1::CaptureEventRequest clear;
  clear.set_idempotency_key("0");
  clear.set_operator_id("117");
  clear.mutable_staging_bin_clear()->set_staging_location_id("A-07");
  clear.mutable_staging_bin_clear()->set_clear_reason(v1::CLEAR_REASON_ORDER_CANCELLED);
  clear.mutable_staging_bin_clear()->set_cancellation_event_id(cancelled->event_id);
  REQUIRE(Capture(clear).ok());
  const auto found = FindInSpool(Path(), cancelled->event_id);
  REQUIRE(found.ok());
  REQUIRE(*found);
  CHECK((*found)->path == cancelled->path);
  CHECK_FALSE(*FindInSpool(Path(), "01980000-0000-7000-8000-000000000001"));
}

}  // namespace
}  // namespace tillwire
