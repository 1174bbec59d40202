// The real agent on an outbox that was damaged while it was stopped: what can be proved arrives once and in
// order, what can't is named at the till and at the centre, and the damaged files stay as they were.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::size_t kPageBytes = 4096;
constexpr int kCaptures = 90;
constexpr int kLanes = 6;

void WriteWhole(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// Zeros in the page that holds `text`.
void WipePage(std::string& file, const std::string& text) {
  const std::size_t found = file.find(text);
  REQUIRE(found != std::string::npos);
  file.replace(found / kPageBytes * kPageBytes, kPageBytes, kPageBytes, '\0');
}

class SalvageRig : protected StoreRig {
 protected:
  // An agent that never met its centre, and was stopped.
  SalvageRig() {
    agent.Start();
    for (int i = 0; i < kCaptures; ++i) {
      const auto captured =
          agent.Client().Capture(Cancellation("W-" + std::to_string(i % kLanes), 1, std::to_string(i)));
      REQUIRE(captured.ok());
      events_.push_back(captured->event_id);
    }
    agent.Stop();
    damaged_ = ReadWholeFile(Database());
  }

  [[nodiscard]] std::filesystem::path Database() { return agent.OutboxDirectory() / "outbox.db"; }

  // The database that was set aside; of one salvage.
  std::optional<std::string> KeptDatabase() {
    std::optional<std::string> kept;
    for (const auto& file : std::filesystem::directory_iterator(agent.OutboxDirectory())) {
      const std::string name = file.path().filename().string();
      if (name.rfind("outbox.damaged-", 0) != 0 || file.path().extension() != ".db") continue;
      CHECK_FALSE(kept);
      kept = ReadWholeFile(file.path());
    }
    return kept;
  }

  // Runs it against its centre, and compares what each says.
  void CheckEnd() {
    StartCentre();
    if (!agent.Running()) agent.Start();
    INFO(agent.Log());
    // Whether its first reading met the damage or its start did.
    REQUIRE(WaitUntil(60s, [&] {
      const CentreCounts counts = centre.Counts();
      return counts.accepted + counts.tombstoned >= kCaptures;
    }));
    REQUIRE(agent.WaitUntilDrained(60s));
    std::map<std::string, int> number_of;
    for (int i = 0; i < kCaptures; ++i) number_of[events_[static_cast<std::size_t>(i)]] = i;
    std::map<std::uint64_t, int> seen;  // by sequence
    std::map<int, int> last_of_lane;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> closed;
    for (const LedgerEntry& entry : centre.Ledger()) {
      CHECK(entry.kind != LedgerEntryKind::kReappeared);
      for (std::uint64_t sequence = entry.id.sequence;
           sequence <= std::max(entry.last_sequence, entry.id.sequence); ++sequence) {
        ++seen[sequence];
      }
      if (entry.kind == LedgerEntryKind::kTombstone)
        closed.emplace_back(entry.id.sequence, entry.last_sequence);
    }
    for (const std::string& event : EventIds(centre.Ledger())) {
      REQUIRE(number_of.count(event) == 1);
      const int number = number_of[event];
      const auto [last, first] = last_of_lane.try_emplace(number % kLanes, number);
      if (!first) CHECK(last->second < number);
      last->second = number;
    }
    CHECK(seen.size() == kCaptures);
    for (const auto& [sequence, times] : seen) CHECK(times == 1);
    CHECK(KeptDatabase() == damaged_);
    const CommandOutcome outcome = agent.RunCli({"status", "--json"});
    REQUIRE(outcome.status.Clean());
    std::vector<std::pair<std::uint64_t, std::uint64_t>> lost;
    const json status = json::parse(outcome.output);
    for (const json& range : status.at("lost_ranges")) {
      const auto number = [&](const char* name) { return std::stoull(range.at(name).get<std::string>()); };
      lost.emplace_back(number("first_sequence"), number("last_sequence"));
    }
    std::sort(closed.begin(), closed.end());
    std::sort(lost.begin(), lost.end());
    CHECK(lost == closed);
    lost_ = lost;
  }

  std::vector<std::string> events_;  // in the order of their capture
  std::string damaged_;              // the database
  std::vector<std::pair<std::uint64_t, std::uint64_t>> lost_;
};

TEST_CASE_METHOD(SalvageRig,
                 "Damage that a running agent meets is salvaged by it, and what is lost is named") {
  WipePage(damaged_, events_[kCaptures / 2]);
  WriteWhole(Database(), damaged_);
  CheckEnd();
  REQUIRE(lost_.size() == 1);
  CHECK(lost_[0].first <= kCaptures / 2 + 1);
  CHECK(lost_[0].second >= kCaptures / 2 + 1);
}

TEST_CASE_METHOD(SalvageRig, "A salvage that is killed again and again comes to the same end") {
  damaged_.replace(0, 16, "not any database");
  WipePage(damaged_, events_[kCaptures / 3]);
  WriteWhole(Database(), damaged_);
  for (int i = 0; i < 8; ++i) {
    static_cast<void>(agent.StartAndWait(std::chrono::milliseconds(4 * i)));
    if (agent.Running()) agent.Kill();
  }
  CheckEnd();
  CHECK(lost_.size() == 1);
}

TEST_CASE_METHOD(SalvageRig, "tillwire verify names damage, leaves it, and finds the salvaged outbox sound") {
  const auto verify = [&] {
    return RunCommand(kTillwireProgram,
                      {"verify", "--directory", agent.OutboxDirectory().string(), "--json"});
  };
  CommandOutcome outcome = verify();
  CHECK(outcome.status.Clean());
  CHECK(json::parse(outcome.output).at("events") == kCaptures);
  WipePage(damaged_, events_[kCaptures / 2]);
  WriteWhole(Database(), damaged_);
  outcome = verify();
  CHECK(outcome.status.code == 5);
  const json found = json::parse(outcome.output);
  CHECK(found.at("sound") == false);
  CHECK_FALSE(found.at("findings").empty());
  CHECK(ReadWholeFile(Database()) == damaged_);
  CheckEnd();
  outcome = verify();
  CHECK(outcome.status.code == 1);
  CHECK_THAT(outcome.errors, Catch::Contains("in use by"));
  agent.Stop();
  outcome = verify();
  INFO(outcome.output << outcome.errors);
  CHECK(outcome.status.Clean());
  CHECK(json::parse(outcome.output).at("lost") > 0);
}

}  // namespace
}  // namespace tillwire
