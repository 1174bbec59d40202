// An outbox that exists twice, or that was put back to an older copy: nothing that still exists is lost,
// nothing is doubled, and the agent says what it did.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

using EventIdList = std::vector<std::string>;

EventIdList Sorted(EventIdList event_ids) {
  std::sort(event_ids.begin(), event_ids.end());
  return event_ids;
}

EventIdList Joined(std::initializer_list<EventIdList> lists) {
  EventIdList all;
  for (const EventIdList& list : lists) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return Sorted(all);
}

std::string IncidentsOf(AgentProgram& agent) {
  std::string text;
  const v1::GetAgentStatusResponse status = agent.Status();
  for (const auto& incident : status.incidents()) {
    text += incident.text() + "\n";
  }
  return text;
}

void CopyOutbox(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

class CopyFixture : public StoreRig {
 public:
  // A second installation of the same terminal on a copy of the stopped agent's outbox.
  AgentProgram MakeClone(const std::string& machine_id) {
    AgentSettings settings = MakeAgentSettings("clone");
    settings.machine_id = machine_id;
    AgentProgram clone(settings);
    CopyOutbox(agent.OutboxDirectory(), clone.OutboxDirectory());
    return clone;
  }

  [[nodiscard]] EventIdList InEffect() { return Sorted(EventIds(centre.Ledger())); }

  static constexpr char kOtherMachine[] = "00000000000000000000000000000002";
};

TEST_CASE_METHOD(CopyFixture, "A copy on another machine begins an epoch of its own before any capture") {
  Start();
  const EventIdList shared = CaptureOrders(agent, "S-", 10);
  REQUIRE(agent.WaitUntilDrained());
  agent.Stop();
  AgentProgram clone = MakeClone(kOtherMachine);

  agent.Start();
  clone.Start();
  const EventIdList of_first = CaptureOrders(agent, "A-", 10);
  const EventIdList of_clone = CaptureOrders(clone, "B-", 10);
  REQUIRE(agent.WaitUntilDrained());
  REQUIRE(clone.WaitUntilDrained());

  CHECK(InEffect() == Joined({shared, of_first, of_clone}));
  CHECK(clone.Status().outbox().epoch() != agent.Status().outbox().epoch());
  CHECK(clone.Status().outbox().epoch_ordinal() == 2);
  CHECK(agent.Status().outbox().epoch_ordinal() == 1);
  CHECK_THAT(IncidentsOf(clone), Catch::Contains("machine"));
  CHECK(centre.Counts().conflicts == 0);
}

TEST_CASE_METHOD(CopyFixture, "A copy with the same machine id is found by its hashes, and its events move") {
  Start();
  const EventIdList shared = CaptureOrders(agent, "S-", 10);
  REQUIRE(agent.WaitUntilDrained());
  agent.Stop();
  AgentProgram clone = MakeClone(agent.Settings().machine_id);

  agent.Start();
  const EventIdList of_first = CaptureOrders(agent, "A-", 10);
  REQUIRE(agent.WaitUntilDrained());
  clone.Start();
  const EventIdList of_clone = CaptureOrders(clone, "B-", 10);
  REQUIRE(clone.WaitUntilDrained());

  CHECK(InEffect() == Joined({shared, of_first, of_clone}));
  CHECK(clone.Status().outbox().epoch() != agent.Status().outbox().epoch());
  CHECK_FALSE(IncidentsOf(clone).empty());
}

TEST_CASE_METHOD(CopyFixture,
                 "Two live copies with the same backlog and the same machine id double nothing") {
  Start();
  const EventIdList shared = CaptureOrders(agent, "S-", 5);
  REQUIRE(agent.WaitUntilDrained());
  link.Cut();
  const EventIdList backlog = CaptureOrders(agent, "P-", 10);
  agent.Stop();
  AgentProgram clone = MakeClone(agent.Settings().machine_id);
  agent.Start();
  clone.Start();
  const EventIdList of_first = CaptureOrders(agent, "A-", 10);
  const EventIdList of_clone = CaptureOrders(clone, "B-", 10);

  link.Heal();
  REQUIRE(agent.WaitUntilDrained());
  REQUIRE(clone.WaitUntilDrained());
  CHECK(InEffect() == Joined({shared, backlog, of_first, of_clone}));
  CHECK(centre.Counts().duplicates >= 10);
  CHECK(agent.Status().outbox().lost() + clone.Status().outbox().lost() == 0);
}

TEST_CASE_METHOD(CopyFixture,
                 "An outbox put back together with its mark moves what it captures into a new epoch") {
  Start();
  const EventIdList early = CaptureOrders(agent, "E-", 10);
  REQUIRE(agent.WaitUntilDrained());
  const std::uint64_t old_epoch = agent.Status().outbox().epoch();
  agent.Stop();
  const std::filesystem::path backup = agent.Settings().directory / "backup";
  CopyOutbox(agent.OutboxDirectory(), backup);
  agent.Start();
  const EventIdList later = CaptureOrders(agent, "L-", 10);
  REQUIRE(agent.WaitUntilDrained());
  agent.Stop();
  CopyOutbox(backup, agent.OutboxDirectory());

  agent.Start();
  const EventIdList fresh = CaptureOrders(agent, "F-", 5);
  REQUIRE(agent.WaitUntilDrained());
  CHECK(InEffect() == Joined({early, later, fresh}));
  CHECK(agent.Status().outbox().epoch() != old_epoch);
  CHECK_FALSE(IncidentsOf(agent).empty());
}

TEST_CASE_METHOD(CopyFixture, "Put back without its mark, an outbox names what only the replaced file held") {
  Start();
  const EventIdList early = CaptureOrders(agent, "E-", 10);
  REQUIRE(agent.WaitUntilDrained());
  const std::uint64_t epoch = agent.Status().outbox().epoch();
  agent.Stop();
  const std::filesystem::path backup = agent.Settings().directory / "backup";
  CopyOutbox(agent.OutboxDirectory(), backup);

  link.Cut();
  agent.Start();
  const EventIdList never_sent = CaptureOrders(agent, "N-", 7);
  agent.Stop();
  const std::filesystem::path mark = agent.OutboxDirectory() / "outbox.hwm";
  REQUIRE(std::filesystem::exists(mark));
  std::filesystem::copy(mark, backup / "outbox.hwm", std::filesystem::copy_options::overwrite_existing);
  CopyOutbox(backup, agent.OutboxDirectory());
  link.Heal();

  agent.Start();
  const EventIdList fresh = CaptureOrders(agent, "F-", 5);
  REQUIRE(agent.WaitUntilDrained());
  CHECK(InEffect() == Joined({early, fresh}));
  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) {
    return status.lost_ranges_size() == 1 && status.lost_ranges(0).announced();
  }));
  const v1::GetAgentStatusResponse status = agent.Status();
  CHECK(status.outbox().lost() == 7);
  CHECK(status.outbox().epoch() != epoch);
  CHECK(status.lost_ranges(0).epoch() == epoch);
  CHECK(status.lost_ranges(0).first_sequence() == 11);
  CHECK(status.lost_ranges(0).last_sequence() == 17);

  const std::vector<LedgerEntry> ledger = centre.Ledger();
  const auto tombstone = std::find_if(ledger.begin(), ledger.end(), [](const LedgerEntry& entry) {
    return entry.kind == LedgerEntryKind::kTombstone;
  });
  REQUIRE(tombstone != ledger.end());
  CHECK(tombstone->id == RecordId{epoch, 11});
  CHECK(tombstone->last_sequence == 17);
  CHECK(centre.Counts().tombstoned == 7);
}

TEST_CASE_METHOD(CopyFixture, "Put back without its mark, an outbox loses nothing that the centre has") {
  Start();
  const EventIdList early = CaptureOrders(agent, "E-", 10);
  REQUIRE(agent.WaitUntilDrained());
  agent.Stop();
  const std::filesystem::path backup = agent.Settings().directory / "backup";
  CopyOutbox(agent.OutboxDirectory(), backup);
  agent.Start();
  const EventIdList delivered = CaptureOrders(agent, "D-", 7);
  REQUIRE(agent.WaitUntilDrained());
  agent.Stop();
  std::filesystem::copy(agent.OutboxDirectory() / "outbox.hwm", backup / "outbox.hwm",
                        std::filesystem::copy_options::overwrite_existing);
  CopyOutbox(backup, agent.OutboxDirectory());

  agent.Start();
  const EventIdList fresh = CaptureOrders(agent, "F-", 5);
  REQUIRE(agent.WaitUntilDrained());
  CHECK(InEffect() == Joined({early, delivered, fresh}));
  CHECK(centre.Counts().tombstoned == 0);
}

}  // namespace
}  // namespace tillwire
