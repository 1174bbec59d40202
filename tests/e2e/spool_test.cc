// Captures that came while the agent was down: by the command, and by dropped files.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "core/spool_name.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"
#include "tillwire/v1/event.pb.h"

namespace tillwire {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLong{60};
constexpr int kOrders = 50;
constexpr int kRounds = 10;  // of one capture by the command and one dropped file for each order

std::uint64_t MicrosNow() {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  return static_cast<std::uint64_t>(now.time_since_epoch().count());
}

// The n-th action of an order: it is cancelled, then its bin cleared, over and over. The number travels with
// it.
nlohmann::json Action(const std::string& order, int number) {
  nlohmann::json request = {{"operator_id", "117"}, {"transaction_sequence_number", std::to_string(number)}};
  if (number % 2 == 0) {
    request["order_cancellation"] = {{"order_id", order},
                                     {"scope", "WHOLE_ORDER"},
                                     {"initiator", "CUSTOMER"},
                                     {"reason", "CUSTOMER_REQUEST"},
                                     {"release_policy", "ON_PUT_BACK"}};
  } else {
    request["staging_bin_clear"] = {
        {"staging_location_id", "B-7"}, {"clear_reason", "ORDER_CANCELLED"}, {"order_id", order}};
  }
  return request;
}

class SpoolRig : protected StoreRig {
 protected:
  // Both run once, so that the agent has made its spool.
  SpoolRig() {
    StartCentre();
    agent.Start();
    agent.Stop();
  }

  [[nodiscard]] fs::path Spool() const { return agent.OutboxDirectory() / "spool"; }

  CommandOutcome ByCommand(const std::string& order, int number, const std::string& key) {
    return RunCommand(kTillwireProgram,
                      {number % 2 == 0 ? "cancel" : "clear-bin", "--json", "-", "--idempotency-key", key,
                       "--socket", agent.Socket().string(), "--spool", Spool().string()},
                      Action(order, number).dump());
  }
  void Drop(const std::string& name, const std::string& content) const {
    std::ofstream(Spool() / "tmp" / name, std::ios::binary) << content;
    fs::rename(Spool() / "tmp" / name, Spool() / "new" / name);
  }
  void DropAction(const std::string& order, int number) const {
    Drop(MakeSpoolName(MicrosNow(), order + "-" + std::to_string(number)), Action(order, number).dump());
  }
  [[nodiscard]] std::size_t Waiting() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(Spool() / "new"), fs::directory_iterator()));
  }

  // The numbers of each lane's actions, in the order in which they came into effect.
  std::map<std::string, std::vector<std::string>> NumbersByLane() {
    std::map<std::string, std::vector<std::string>> lanes;
    for (const auto& entry : centre.Ledger()) {
      v1::StoreEvent event;
      REQUIRE(event.ParseFromString(entry.event));
      lanes[entry.lane].push_back(event.transaction_sequence_number());
      ids_.insert(event.event_id());
    }
    return lanes;
  }
  [[nodiscard]] bool HasEvent(const std::string& id) const { return ids_.contains(id); }

 private:
  std::set<std::string> ids_;
};

TEST_CASE_METHOD(SpoolRig,
                 "Captured while the agent is down, all arrives once and in order, before the socket's") {
  std::mutex mutex;
  std::vector<std::string> recorded;
  std::vector<std::string> failures;
  const auto record_half = [&](int first) {
    for (int round = 0; round < kRounds; ++round) {
      for (int order = first; order < kOrders; order += 2) {
        const std::string name = "S-" + std::to_string(order);
        const auto outcome = ByCommand(name, 2 * round, name + "-c" + std::to_string(round));
        DropAction(name, 2 * round + 1);
        const std::lock_guard lock(mutex);
        if (outcome.status.code == 0) {
          recorded.push_back(nlohmann::json::parse(outcome.output)["event_id"]);
        } else {
          failures.push_back(outcome.output + outcome.errors);
        }
      }
    }
  };
  std::thread other([&] { record_half(1); });
  record_half(0);
  other.join();
  INFO((failures.empty() ? "" : failures.front()));
  REQUIRE(failures.empty());
  REQUIRE(recorded.size() == kOrders * kRounds);
  Drop("00000000000000000001-half", R"({"operator_id":)");
  Drop("00000000000000000002-rule", R"({"operator_id":"117"})");
  Drop("no-number-at-all", "");
  fs::create_symlink(agent.ConfigFile(), Spool() / "new" / "a-link");
  const std::size_t files = 2 * kOrders * kRounds;
  REQUIRE(Waiting() == files + 4);

  // Killed in the middle, again and again, as long as there is a middle.
  constexpr std::size_t kTaken = 20;
  int in_the_middle = 0;
  for (int kill = 0; kill < 3 && Waiting() > kTaken; ++kill) {
    const std::size_t before = Waiting();
    agent.StartAndWait(std::chrono::milliseconds(1));
    REQUIRE(WaitUntil(kLong, [&] { return Waiting() + kTaken < before; }, std::chrono::milliseconds(1)));
    agent.Kill();
    const std::size_t left = Waiting();
    if (left > 0) ++in_the_middle;
    UNSCOPED_INFO("killed with " << left << " files left of " << before);
  }
  CHECK(in_the_middle > 0);

  agent.Start();
  std::atomic<int> answers = 0;
  std::atomic<int> stored = 0;
  for (int order = 0; order < kOrders; ++order) {
    auto request = Cancellation("S-" + std::to_string(order));
    request.set_transaction_sequence_number(std::to_string(2 * kRounds));
    agent.Client().CaptureAsync(request, [&](const Result<CaptureReply>& reply) {
      if (reply) ++stored;
      ++answers;
    });
  }
  REQUIRE(WaitUntil(kLong, [&] { return answers == kOrders; }));
  CHECK(stored == kOrders);
  REQUIRE(agent.WaitForStatus(kLong, [](const auto& status) { return status.spool().waiting() == 0; }));
  REQUIRE(agent.WaitUntilDrained(kLong));
  CHECK(Waiting() == 0);

  const auto lanes = NumbersByLane();
  CHECK(lanes.size() == kOrders);
  std::vector<std::string> expected;
  for (int number = 0; number <= 2 * kRounds; ++number) expected.push_back(std::to_string(number));
  for (const auto& [lane, numbers] : lanes) {
    INFO(lane);
    CHECK(numbers == expected);
  }
  CHECK(std::all_of(recorded.begin(), recorded.end(), [&](const auto& id) { return HasEvent(id); }));

  const auto status = agent.Status();
  CHECK(status.spool().bad() == 4);
  CHECK_FALSE(status.spool().holding_captures());
  CHECK(fs::exists(Spool() / "bad" / "00000000000000000001-half.reason"));
  CHECK(fs::is_symlink(Spool() / "bad" / "a-link"));
  const auto text = agent.RunCli({"status"}).output;
  INFO(text);
  CHECK_THAT(text, Catch::Contains("Set aside from the spool into bad/: 4 files, which are not recorded"));
}

TEST_CASE_METHOD(SpoolRig, "Whatever way a command takes while the agent comes and goes, its order is kept") {
  // So many, and on until both ways were taken.
  constexpr int kCaptures = 60;
  constexpr int kMostCaptures = 600;
  int captures = 0;
  std::atomic<bool> done = false;
  std::vector<std::string> failures;
  int by_spool = 0;
  std::thread commands([&] {
    const auto both_ways = [&] { return by_spool > 0 && by_spool < captures; };
    while (captures < kCaptures || (!both_ways() && captures < kMostCaptures)) {
      const int number = captures++;
      CommandOutcome outcome;
      // An agent that dies in the middle of a call leaves the outcome open; the key makes the repeat safe.
      for (int attempt = 0; attempt < 50; ++attempt) {
        outcome = ByCommand("S-1", number, "k" + std::to_string(number));
        if (outcome.status.code != 4) break;
      }
      if (outcome.status.code != 0) failures.push_back(outcome.output + outcome.errors);
      if (outcome.output.find("spooled") != std::string::npos) ++by_spool;
    }
    done = true;
  });
  int starts = 0;
  while (!done) {
    agent.Start();
    ++starts;
    WaitUntil(std::chrono::milliseconds(200), [&] { return done.load(); });
    if (starts % 2 == 0) {
      agent.Kill();
    } else {
      agent.Stop();
    }
    WaitUntil(std::chrono::milliseconds(100), [&] { return done.load(); });
  }
  commands.join();
  INFO((failures.empty() ? "" : failures.front()));
  REQUIRE(failures.empty());
  agent.Start();
  REQUIRE(agent.WaitForStatus(kLong, [](const auto& status) { return status.spool().waiting() == 0; }));
  REQUIRE(agent.WaitUntilDrained(kLong));
  std::vector<std::string> expected;
  for (int number = 0; number < captures; ++number) expected.push_back(std::to_string(number));
  CHECK(NumbersByLane()["order:S-1"] == expected);
  INFO(starts << " starts, " << by_spool << " of " << captures << " captures by the spool");
  CHECK(by_spool > 0);
  CHECK(by_spool < captures);
}

TEST_CASE_METHOD(SpoolRig, "The shell example of docs/spool-format.md drops a capture that arrives") {
  const std::string page = ReadWholeFile(fs::path(TILLWIRE_DOCS) / "spool-format.md");
  const auto begin = page.find("```sh\n");
  REQUIRE(begin != std::string::npos);
  const auto end = page.find("```", begin + 6);
  const fs::path script = Spool() / "drop-capture";
  WriteWholeFile(script, page.substr(begin + 6, end - begin - 6));
  const auto json = page.find("```json\n");
  const std::string content = page.substr(json + 8, page.find("```", json + 8) - json - 8);

  agent.Start();
  const std::string shell = "TILLWIRE_SPOOL=" + Spool().string() + " sh " + script.string() + " key-1";
  const auto outcome = RunCommand("/bin/sh", {"-c", shell}, content);
  INFO(outcome.errors);
  REQUIRE(outcome.status.code == 0);
  REQUIRE(WaitUntil(kLong, [&] { return centre.Ledger().size() == 1; }));
  CHECK(centre.Ledger()[0].lane == "order:W-700512");
  CHECK(Waiting() == 0);
  CHECK(fs::is_empty(Spool() / "tmp"));

  // The clock was set back after the command wrote a file, and after somebody dropped one.
  agent.Stop();
  const std::uint64_t ahead = 90'000'000'000'000'000;
  Drop(MakeSpoolName(ahead, "early"), Action("S-1", 0).dump());
  Drop("99999999999999999999-foreign", Action("S-9", 0).dump());
  const auto drop = [&](int number) {
    const std::string line = "TILLWIRE_SPOOL=" + Spool().string() + " sh " + script.string() + " key-" +
                             std::to_string(number + 10);
    return RunCommand("/bin/sh", {"-c", line}, Action("S-1", number).dump()).status.code;
  };
  REQUIRE(drop(1) == 0);
  REQUIRE(ByCommand("S-1", 2, "key-12").status.code == 0);
  REQUIRE(drop(3) == 0);
  CHECK(fs::exists(Spool() / "new" / MakeSpoolName(ahead + 1, "key-11")));
  CHECK(fs::exists(Spool() / "new" / MakeSpoolName(ahead + 3, "key-13")));
  agent.Start();
  REQUIRE(WaitUntil(kLong, [&] { return centre.Ledger().size() == 5; }));
  CHECK(NumbersByLane()["order:S-1"] == std::vector<std::string>{"0", "1", "2", "3"});
}

TEST_CASE_METHOD(SpoolRig,
                 "A file under a key that was used for something else is found where it was set aside") {
  agent.Start();
  REQUIRE(ByCommand("S-1", 0, "key-1").status.code == 0);
  agent.Stop();
  const auto spooled = ByCommand("S-2", 0, "key-1");
  INFO(spooled.errors);
  REQUIRE(spooled.status.code == 0);
  const auto answer = nlohmann::json::parse(spooled.output);
  CHECK(answer["outcome"] == "spooled");
  const std::string id = answer["event_id"];
  CHECK_THAT(agent.RunCli({"show", id, "--spool", Spool().string()}).output,
             Catch::Contains("not recorded by the agent") && Catch::Contains("it waits in the spool") &&
                 Catch::Contains("S-2"));

  agent.Start();
  REQUIRE(agent.WaitForStatus(kLong, [](const auto& status) { return status.spool().bad() == 1; }));
  // The running agent says where its spool is.
  for (const char* command : {"explain", "show"}) {
    const auto found = agent.RunCli({command, id});
    INFO(command << " said: " << found.output << found.errors);
    CHECK(found.status.code == 0);
    CHECK_THAT(found.output,
               Catch::Contains("not recorded") &&
                   Catch::Contains("idempotency_key was used before for a capture with other") &&
                   Catch::Contains("bad/"));
  }
  CHECK(nlohmann::json::parse(agent.RunCli({"explain", id, "--json"}).output)["explanations"][0]["reason"] ==
        "EXPLANATION_REASON_SET_ASIDE");
  CHECK(nlohmann::json::parse(
            agent.RunCli({"show", id, "--json"}).output)["event"]["order_cancellation"]["order_id"] == "S-2");
  CHECK_THAT(agent.RunCli({"status"}).output, Catch::Contains("(this one was to be event " + id + ")"));
  // An event that is nowhere is told so, as before.
  const auto nowhere = agent.RunCli({"explain", "01980000-0000-7000-8000-000000000001"});
  CHECK(nowhere.status.code == 1);
  CHECK_THAT(nowhere.errors, Catch::Contains("no event 01980000"));
}

}  // namespace
}  // namespace tillwire
