// The importer on a real folder and a fake outbox.
#include "agent/spool/spool_importer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <future>
#include <mutex>

#include "core/derived_event_id.h"
#include "core/spool_name.h"
#include "proto/event_codec.h"
#include "tests/agent/capture/fake_capture_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/support/temp_directory.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLong{20};

std::string Cancellation(const std::string& order, const std::string& more = "") {
  return R"({"operator_id":"117",)" + more + R"("order_cancellation":{"order_id":")" + order +
         R"(","scope":"whole-order","initiator":"customer","reason":"fraud","release_policy":"none"}})";
}

std::string Key(const std::string& key) {
  return R"("idempotency_key":")" + key + R"(",)";
}

class Fixture {
 protected:
  Fixture() {
    options.directory = directory_.Path() / "spool";
    options.owner = {"0042", "till-3"};
    options.retry_interval = std::chrono::milliseconds(20);
    options.on_captured = [this](EventSource) { ++captured; };
    options.on_open = [this] { ++opened; };
    REQUIRE(SpoolFolder::Create(options.directory).ok());
  }
  ~Fixture() { importer.reset(); }

  void Start() {
    gate = std::make_unique<CaptureGate>(store);
    importer = std::make_unique<SpoolImporter>(store, intake, *gate, options);
    importer->Start();
  }
  // The agent dies and comes back.
  void Restart() {
    importer.reset();
    Start();
  }

  void Drop(const std::string& name, const std::string& content) const {
    const auto passing = options.directory / "tmp" / "t";
    std::ofstream(passing, std::ios::binary) << content;
    fs::rename(passing, New(name));
  }
  // The names in these tests leave a counter's leading zeros out.
  [[nodiscard]] static std::string Full(const std::string& name) {
    const auto digits = name.find_first_not_of("0123456789");
    if (digits == std::string::npos || digits == 0) return name;
    return std::string(kSpoolCounterDigits - digits, '0') + name;
  }
  [[nodiscard]] fs::path New(const std::string& name) const { return options.directory / "new" / Full(name); }
  [[nodiscard]] fs::path Bad(const std::string& name) const { return options.directory / "bad" / Full(name); }
  std::string Reason(const std::string& name) const {
    std::ifstream file(Bad(name + ".reason"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool Drained() {
    return WaitUntil(
        kLong, [&] { return fs::is_empty(options.directory / "new") && importer->Status().waiting == 0; });
  }
  bool Open() {
    return WaitUntil(kLong, [&] { return !gate->Holding(); });
  }
  std::vector<std::string> Lanes() {
    std::vector<std::string> lanes;
    for (const auto& input : store.Stored()) lanes.push_back(input.lane);
    return lanes;
  }
  Event StoredEvent(std::size_t index) {
    auto event = DecodeEvent(store.Stored().at(index).event);
    REQUIRE(event.ok());
    return std::move(event).value();
  }

 private:
  TempDirectory directory_;
  FakeClock clock_;
  FakeRng rng_;

 public:
  CaptureIntake intake{clock_, rng_, {"0042", "till-3", "boot-1"}};
  FakeCaptureStore store;
  SpoolImporterOptions options;
  std::atomic<int> captured = 0;
  std::atomic<int> opened = 0;
  std::unique_ptr<CaptureGate> gate;
  std::unique_ptr<SpoolImporter> importer;
};

TEST_CASE_METHOD(Fixture,
                 "What lies there at the start is taken in the order of names, before the gate opens") {
  Drop("0003-c", Cancellation("C"));
  Drop("0001-a", Cancellation("A"));
  Drop("0002-b", Cancellation("B"));
  store.Hold();
  Start();
  store.WaitForCalls(1);
  CHECK(gate->Holding());
  CHECK(importer->Status().waiting == 3);
  CHECK(importer->Status().holding_captures);
  CHECK(importer->Status().oldest_waiting);
  store.Release();
  REQUIRE(Open());
  REQUIRE(Drained());
  CHECK(Lanes() == std::vector<std::string>{"order:A", "order:B", "order:C"});
  CHECK(store.Groups() == 1);
  CHECK(captured == 3);
  CHECK(opened == 1);
  const Event event = StoredEvent(0);
  CHECK(event.request.idempotency_key == "a");
  CHECK(event.request.source == EventSource::kSpool);
}

TEST_CASE_METHOD(Fixture, "A file that is dropped later is noticed") {
  Start();
  REQUIRE(Open());
  Drop("0001-a", Cancellation("A", Key("mine")));
  REQUIRE(WaitUntil(kLong, [&] { return captured == 1; }));
  CHECK(StoredEvent(0).request.idempotency_key == "mine");
  std::ofstream(New("0002-b")) << Cancellation("B");  // closed there, not renamed
  REQUIRE(WaitUntil(kLong, [&] { return captured == 2; }));
  REQUIRE(Drained());
}

TEST_CASE_METHOD(Fixture, "A file of the command brings its id and its time along") {
  const std::string id = "01980000-0000-7000-8000-000000000001";
  Drop("1-a",
       Cancellation("A", R"("source":"CLI","record_time":"2026-05-04T12:00:00Z","event_id":")" + id + "\","));
  Start();
  REQUIRE(Drained());
  const Event event = StoredEvent(0);
  CHECK(event.event_id == id);
  CHECK(store.Stored()[0].event_id == Uuid::Parse(id));
  CHECK(event.request.source == EventSource::kCli);
  CHECK(event.request.occur_time == FromMicros(1'777'896'000'000'000));
}

TEST_CASE_METHOD(Fixture, "A dropped file's id follows from its key and time, wherever the key stands") {
  const std::string time = R"("occur_time":"2026-05-04T12:02:00Z",)";
  Drop("1-k1", Cancellation("A", time));
  Drop("2-x", Cancellation("B", time + Key("k2")));
  Drop("3-k3", Cancellation("C"));
  Start();
  REQUIRE(Drained());
  const auto derived = [](const char* key) {
    return DerivedEventId("0042", "till-3", key, FromMicros(1'777'896'120'000'000));
  };
  const auto stored = store.Stored();
  CHECK(stored.at(0).event_id == derived("k1"));
  CHECK(StoredEvent(0).event_id == derived("k1").ToString());
  CHECK(stored.at(1).event_id == derived("k2"));
  CHECK(stored.at(2).event_id.bytes[6] >> 4 == 7);  // names no time
  CHECK(SpoolFolder::Open(options.directory)->Owner() == SpoolOwner{"0042", "till-3"});
}

TEST_CASE_METHOD(Fixture, "A file whose key was used for something else says which event it was to be") {
  const std::string id = "01980000-0000-7000-8000-000000000001";
  Drop("1-k", Cancellation("A"));
  Drop("2-k", Cancellation("B", R"("source":"CLI","event_id":")" + id + "\","));
  Start();
  REQUIRE(WaitUntil(kLong, [&] { return importer->Status().bad.total == 1; }));
  CHECK(Reason("2-k") ==
        "the key was used for another event (this one was to be event " + id + "); use another key\n");
  CHECK(importer->Status().directory == options.directory);
}

TEST_CASE_METHOD(Fixture, "What can't be taken is set aside with its reason, the rest is taken") {
  Drop("01-no-json", "{");
  Drop("02-unknown", R"({"oder":1})");
  Drop("03-rule", Cancellation(""));
  Drop("04-empty", "");
  Drop("05-not-utf8", Cancellation("caf\xE9"));
  Drop("06-binary", std::string("\0\x01\xFF", 3));
  Drop("07-deep",
       Cancellation("A", R"("operator_id":)" + std::string(200'000, '[') + std::string(200'000, ']') + ","));
  Drop("08-number", Cancellation("A", R"("event_id":1e999,)"));
  Drop("09-huge", std::string(kMaxSpoolFileBytes + 1, ' '));
  Drop("10-id", Cancellation("A", R"("event_id":"x",)"));
  Drop("11-source", Cancellation("A", R"("source":"GRPC",)"));
  Drop("12-name\xFF", Cancellation("A"));
  Drop("13-" + std::string(200, 'k'), Cancellation("A"));
  fs::create_symlink("/etc/passwd", New("14-link"));
  fs::create_directory(New("15-folder"));
  REQUIRE(mkfifo(New("16-fifo").c_str(), 0600) == 0);
  Drop("17-good", Cancellation("GOOD"));
  Drop("18-id-v4", Cancellation("A", R"("event_id":"01980000-0000-4000-8000-000000000001",)"));
  Drop(".hidden", "{");
  Start();
  REQUIRE(Open());
  REQUIRE(WaitUntil(kLong,
                    [&] { return importer->Status().waiting == 0 && importer->Status().bad.total == 17; }));
  CHECK(Lanes() == std::vector<std::string>{"order:GOOD"});
  CHECK(fs::exists(New(".hidden")));
  CHECK(Reason("01-no-json") == "the input is no valid JSON at byte 2; correct it there\n");
  CHECK(Reason("02-unknown") ==
        "oder is no field of CaptureEventRequest; see tillwire/v1/*.proto for its fields\n");
  CHECK_THAT(Reason("03-rule"), Catch::StartsWith("order_cancellation.order_id is required"));
  CHECK_THAT(Reason("07-deep"), Catch::StartsWith("the input nests too deep"));
  CHECK_THAT(Reason("09-huge"), Catch::StartsWith("it has more than 1048576 bytes"));
  CHECK(Reason("10-id") == "event_id is no UUID of version 7 or 8; leave it out: the agent gives one\n");
  CHECK(Reason("18-id-v4") == Reason("10-id"));
  CHECK(Reason("11-source") == "source is GRPC, but this is a spool file; leave it out\n");
  CHECK_THAT(Reason("12-name\xFF"), Catch::StartsWith("it has no idempotency_key, and its name gives none"));
  CHECK_THAT(Reason("13-" + std::string(200, 'k')), Catch::StartsWith("idempotency_key has 200 bytes"));
  CHECK_THAT(Reason("14-link"), Catch::StartsWith("it is a symbolic link"));
  const auto status = importer->Status();
  CHECK(status.bad.files.size() == 17);
  CHECK(status.bad.files[11].name == Full("12-name?"));
  CHECK(status.last_problem.empty());
}

TEST_CASE_METHOD(Fixture, "Bad files that a person takes away are no longer counted") {
  Drop("a", "{");
  Start();
  REQUIRE(WaitUntil(kLong, [&] { return importer->Status().bad.total == 1; }));
  fs::remove(Bad("a"));
  fs::remove(Bad("a.reason"));
  CHECK(WaitUntil(kLong, [&] { return importer->Status().bad.total == 0; }));
}

TEST_CASE_METHOD(Fixture, "Killed between capture and delete, the file is a repeat") {
  Drop("1-a", Cancellation("A"));
  Start();
  REQUIRE(Drained());
  importer.reset();
  Drop("1-a", Cancellation("A"));  // as if it had never been deleted
  Drop("2-b", Cancellation("B"));
  Start();
  REQUIRE(Drained());
  CHECK(Lanes() == std::vector<std::string>{"order:A", "order:B"});
  CHECK(captured == 2);
}

TEST_CASE_METHOD(Fixture, "Only a name with a counter gives a key: others do not pass for repeats") {
  const auto drop = [&](const std::string& name, const std::string& content) {
    std::ofstream(options.directory / "tmp" / "t") << content;
    fs::rename(options.directory / "tmp" / "t", options.directory / "new" / name);
  };
  drop("20260504-0001.json", Cancellation("A"));
  drop("20260505-0001.json", Cancellation("A"));
  drop("clear.json", Cancellation("A"));
  drop("mine.json", Cancellation("A", Key("mine")));
  Start();
  REQUIRE(
      WaitUntil(kLong, [&] { return importer->Status().waiting == 0 && importer->Status().bad.total == 3; }));
  CHECK(Lanes() == std::vector<std::string>{"order:A"});
  CHECK(StoredEvent(0).request.idempotency_key == "mine");
  for (const auto& file : importer->Status().bad.files) {
    INFO(file.name);
    CHECK(file.reason ==
          "it has no idempotency_key, and its name gives none; give idempotency_key, or name it COUNTER-KEY "
          "(20 "
          "digits, -, key)");
  }
}

TEST_CASE_METHOD(Fixture, "A repeat by the command, with another id and time, is one event") {
  const auto file = [](const std::string& id, const std::string& time) {
    return Cancellation(
        "A", Key("k") + R"("source":"CLI","record_time":")" + time + R"(","event_id":")" + id + "\",");
  };
  Drop("1-k", file("01980000-0000-7000-8000-000000000001", "2026-05-04T12:00:00Z"));
  Drop("2-k", file("01980000-0000-7000-8000-000000000002", "2026-05-04T12:00:09Z"));
  Start();
  REQUIRE(Drained());
  CHECK(store.Stored().size() == 1);
  CHECK(importer->Status().bad.total == 0);
}

TEST_CASE_METHOD(Fixture, "A key used for other content, and an id of another event, are set aside") {
  const std::string id = R"("event_id":"01980000-0000-7000-8000-000000000001",)";
  Drop("1-a", Cancellation("A", Key("k") + id));
  Drop("2-b", Cancellation("B", Key("k")));
  Drop("3-c", Cancellation("C", Key("other") + id));
  Drop("4-d", Cancellation("D"));
  Start();
  REQUIRE(
      WaitUntil(kLong, [&] { return importer->Status().waiting == 0 && importer->Status().bad.total == 2; }));
  CHECK(Lanes() == std::vector<std::string>{"order:A", "order:D"});
  CHECK(fs::exists(Bad("2-b")));
  CHECK_THAT(Reason("3-c"), Catch::StartsWith("the id is another event's"));
}

TEST_CASE_METHOD(Fixture, "Without room files wait in order, their lanes are refused, and later all go") {
  store.SetRoom(1);
  Drop("1-a", Cancellation("A"));
  Drop("2-b", Cancellation("B"));
  Drop("3-c", Cancellation("C"));
  Start();
  REQUIRE(WaitUntil(kLong, [&] { return !importer->Status().last_problem.empty(); }));
  CHECK_THAT(importer->Status().last_problem, Catch::StartsWith("the outbox is full"));
  CHECK(Lanes() == std::vector<std::string>{"order:A"});
  CHECK(fs::exists(New("2-b")));
  std::promise<Result<Captured>> promise;
  std::future<Result<Captured>> answer = promise.get_future();
  CaptureInput same_lane;
  same_lane.lane = "order:B";
  gate->Capture(same_lane, [&](Result<Captured> result) { promise.set_value(std::move(result)); });
  REQUIRE(answer.wait_for(kLong) == std::future_status::ready);
  CHECK(answer.get().error().code == ErrorCode::kResourceExhausted);
  store.SetRoom(10);
  REQUIRE(Drained());
  REQUIRE(Open());
  CHECK(Lanes() == std::vector<std::string>{"order:A", "order:B", "order:C"});
  CHECK(importer->Status().last_problem.empty());
}

TEST_CASE_METHOD(Fixture, "While the store fails files wait, and are taken when it is back") {
  store.FailWith({ErrorCode::kUnavailable, "the disk is away", "look at it"});
  Start();
  REQUIRE(Open());
  Drop("1-a", Cancellation("A"));
  Drop("2-b", "{");
  REQUIRE(WaitUntil(kLong, [&] { return !importer->Status().last_problem.empty(); }));
  CHECK(fs::exists(New("1-a")));
  store.Heal();
  REQUIRE(Drained());
  CHECK(store.Stored().size() == 1);
}

TEST_CASE_METHOD(Fixture, "With many files only the lanes concerned wait") {
  options.max_files_before_opening = 3;
  options.max_group_files = 2;
  for (int i = 1; i <= 5; ++i)
    Drop(std::to_string(i) + "-k", Cancellation("S" + std::to_string(i), Key(std::to_string(i))));
  store.Hold();
  Start();
  store.WaitForCalls(1);
  std::atomic<int> answers = 0;
  CaptureInput free;
  free.lane = "order:FREE";
  CaptureInput held;
  held.lane = "order:S5";
  gate->Capture(held, [&](const Result<Captured>&) { ++answers; });
  gate->Capture(free, [&](const Result<Captured>&) { ++answers; });
  CHECK(gate->Holding());
  store.Release();
  REQUIRE(WaitUntil(kLong, [&] { return answers == 2; }));
  REQUIRE(Drained());
  const auto lanes = Lanes();
  REQUIRE(lanes.size() == 7);
  CHECK(lanes[2] == "order:FREE");  // behind the first group, before the others
  CHECK(lanes[6] == "order:S5");
  CHECK(lanes[5] == "order:S5");
}

TEST_CASE_METHOD(Fixture, "A command that decided before the agent listened is waited for") {
  auto folder = SpoolFolder::Open(options.directory);
  REQUIRE(folder.ok());
  auto lock = folder->TryLock(SpoolLock::kDecision, false);
  REQUIRE((lock.ok() && *lock));
  Start();
  CHECK_FALSE(WaitUntil(std::chrono::milliseconds(100), [&] { return !gate->Holding(); }));
  Drop("1-a", Cancellation("A"));
  CHECK_FALSE(WaitUntil(std::chrono::milliseconds(50), [&] { return !gate->Holding(); }));
  lock->reset();
  REQUIRE(Open());
  CHECK(store.Stored().size() == 1);
}

TEST_CASE_METHOD(Fixture, "A command that hangs is not waited for without end") {
  options.decision_timeout = std::chrono::milliseconds(50);
  auto folder = SpoolFolder::Open(options.directory);
  auto lock = folder->TryLock(SpoolLock::kDecision, false);
  Start();
  CHECK(Open());
}

TEST_CASE_METHOD(Fixture, "A spool that can't be had does not keep the agent from working, and is told") {
  fs::remove_all(options.directory);
  std::ofstream(options.directory) << "in the way";
  Start();
  REQUIRE(Open());
  CHECK_THAT(importer->Status().last_problem, Catch::Contains(options.directory.string()));
  fs::remove(options.directory);
  REQUIRE(WaitUntil(kLong, [&] { return importer->Status().last_problem.empty(); }));
  Drop("1-a", Cancellation("A"));
  CHECK(WaitUntil(kLong, [&] { return captured == 1; }));
}

TEST_CASE_METHOD(Fixture, "A spool that is taken away is made again") {
  Start();
  REQUIRE(Open());
  fs::remove_all(options.directory);
  REQUIRE(WaitUntil(kLong, [&] { return fs::exists(options.directory / "lock"); }));
  Drop("1-a", Cancellation("A"));
  CHECK(WaitUntil(kLong, [&] { return captured == 1; }));
}

TEST_CASE_METHOD(Fixture,
                 "Where nothing tells of new files the folder is looked at, before the gate opens too") {
  std::atomic<bool> works = false;
  options.watch = [&works](auto& io, const auto& folder,
                           auto callbacks) -> Result<std::unique_ptr<SpoolWatch>> {
    if (works) return SpoolWatch::Start(io, folder, std::move(callbacks));
    return Error{ErrorCode::kResourceExhausted, "cannot watch", "raise the limit"};
  };
  Drop("1-a", Cancellation("A"));
  store.Hold();
  Start();
  store.WaitForCalls(1);
  CHECK(gate->Holding());
  store.Release();
  REQUIRE(Open());
  CHECK(captured == 1);
  CHECK(importer->Status().last_problem == "cannot watch; raise the limit");
  Drop("2-b", Cancellation("B"));
  Drop("3-c", "{");
  REQUIRE(WaitUntil(kLong, [&] { return captured == 2 && importer->Status().bad.total == 1; }));
  fs::remove_all(options.directory);
  REQUIRE(WaitUntil(kLong, [&] { return fs::exists(options.directory / "order"); }));
  Drop("4-d", Cancellation("D"));
  REQUIRE(WaitUntil(kLong, [&] { return captured == 3; }));
  works = true;
  REQUIRE(WaitUntil(kLong, [&] { return importer->Status().last_problem.empty(); }));
  Drop("5-e", Cancellation("E"));
  REQUIRE(WaitUntil(kLong, [&] { return captured == 4; }));
}

TEST_CASE_METHOD(Fixture, "As long as the lane of one file is not known, every capture waits") {
  options.max_files_before_opening = 0;
  Drop("1-a", Cancellation("A"));
  // As a file server does for a writer: it is asked to give the lease back, and does not.
  const FileDescriptor leased(open(New("1-a").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(leased.IsOpen());
  REQUIRE(fcntl(leased.Get(), F_SETSIG, SIGURG) == 0);  // which is ignored where nobody wants it
  REQUIRE(fcntl(leased.Get(), F_SETLEASE, F_WRLCK) == 0);
  Start();
  REQUIRE(WaitUntil(kLong, [&] { return !importer->Status().last_problem.empty(); }));
  std::optional<Result<Captured>> answer;
  CaptureInput other;
  other.lane = "order:B";
  gate->Capture(other, [&](Result<Captured> result) { answer = std::move(result); });
  REQUIRE(answer);
  CHECK_FALSE(answer->ok());
  REQUIRE(fcntl(leased.Get(), F_SETLEASE, F_UNLCK) == 0);
  REQUIRE(Open());
  CHECK(Lanes() == std::vector<std::string>{"order:A"});
}

TEST_CASE_METHOD(Fixture, "What changes is told, and a problem ends with the first file that is taken") {
  options.max_group_files = 1;
  options.directory = options.directory.parent_path() / "caf\xE9";  // no UTF-8, as its problems quote it
  REQUIRE(SpoolFolder::Create(options.directory).ok());
  std::mutex mutex;
  std::vector<SpoolStatus> seen;
  options.on_changed = [&] {
    const std::lock_guard lock(mutex);
    seen.push_back(importer->Status());
  };
  const auto saw = [&](const auto& wanted) {
    const std::lock_guard lock(mutex);
    return std::any_of(seen.begin(), seen.end(), wanted);
  };
  store.FailWith({ErrorCode::kUnavailable, "no disk at caf\xE9", "look at it"});
  for (const char* name : {"1-a", "2-b", "3-c"}) Drop(name, Cancellation("A"));
  Start();
  REQUIRE(WaitUntil(kLong, [&] {
    return saw([](const auto& status) { return status.last_problem == "no disk at caf?; look at it"; });
  }));
  CHECK(saw([](const auto& status) { return status.waiting == 3 && status.holding_captures; }));
  store.Heal();
  REQUIRE(Drained());
  REQUIRE(Open());
  bool problem = false;
  std::optional<std::uint64_t> waiting_at_its_end;
  {
    const std::lock_guard lock(mutex);
    for (const auto& status : seen) {
      if (problem && status.last_problem.empty() && !waiting_at_its_end) waiting_at_its_end = status.waiting;
      problem = problem || !status.last_problem.empty();
    }
  }
  REQUIRE(waiting_at_its_end);
  CHECK(*waiting_at_its_end > 0);
  CHECK(WaitUntil(kLong, [&] { return saw([](const auto& status) { return !status.holding_captures; }); }));
  Drop("4-d", "{");
  CHECK(WaitUntil(kLong, [&] { return saw([](const auto& status) { return status.bad.total == 1; }); }));
  importer.reset();
}

TEST_CASE_METHOD(Fixture, "Stopped with files under way, nothing is lost and nothing comes twice") {
  for (int i = 100; i < 140; ++i) Drop(std::to_string(i) + "-k", Cancellation("A", Key(std::to_string(i))));
  options.max_group_files = 3;
  // Each time with a group that is not answered, then with one of which only a part found room.
  for (std::size_t restart = 0; restart < 5; ++restart) {
    store.SetRoom(5 * (restart + 1));
    store.Hold();
    const std::size_t calls = store.Calls();
    Start();
    store.WaitForCalls(calls + 1);
    importer.reset();
    store.Release();
    Start();
    REQUIRE(WaitUntil(kLong, [&] { return !importer->Status().last_problem.empty(); }));
    importer.reset();
  }
  store.SetRoom(40);
  Start();
  REQUIRE(Drained());
  const auto stored = store.Stored();
  REQUIRE(stored.size() == 40);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    CHECK(StoredEvent(i).request.idempotency_key == std::to_string(100 + i));
  }
}

}  // namespace
}  // namespace tillwire
