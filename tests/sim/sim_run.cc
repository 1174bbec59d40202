#include "tests/sim/sim_run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "tests/sim/sim_centre.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_oracle.h"
#include "tests/sim/sim_terminal.h"
#include "tests/sim/sim_world.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// Faults end then, and all must be well within kHealing of it: the longest back-off, a stream that hangs and
// one that answers nothing, twice over.
constexpr SimWorld::Duration kFaultyTime = 8min;
constexpr SimWorld::Duration kHealing = 15min;
constexpr SimWorld::Duration kCheckEvery = 20s;
// A till whose disk is well again has tried to write by then: it waits for a minute at most.
constexpr SimWorld::Duration kWritesAgainWithin = 61s;
constexpr std::size_t kMaxTerminals = 3;
constexpr std::array kLanes = {"A1001", "A1002", "A1003", "A1004"};

class Run {
 public:
  explicit Run(const SimOptions& options)
      : bug_(options.bug),
        world_(options.seed, options.print_trace),
        network_(world_),
        // A centre that may be put back to a backup keeps terminals from pruning.
        restores_centre_(world_.OneIn(3)),
        restores_outbox_(world_.OneIn(3)),
        copies_outbox_(world_.OneIn(3)),
        parks_(world_.OneIn(2)),
        disk_fails_(world_.OneIn(3) || bug_ == SimBug::kFailedSyncIgnored),
        stands_by_(world_.OneIn(3)) {
    AddReplica("centre");
    if (stands_by_) AddReplica("centre-2");
    network_.SetStandBy(stands_by_);
    AddTerminal();
  }

  SimReport Go() {
    for (const auto& replica : replicas_) replica->Start();
    terminals_.front()->Start();
    PlanCaptures();
    PlanFaults();
    PlanChecks();
    const auto stop = [this] { return !oracle_.Complaints().empty(); };
    world_.RunUntil(kFaultyTime, stop);
    if (!stop()) Heal();
    while (!stop() && world_.Now() < kFaultyTime + kHealing) {
      if (AllDrained()) break;
      // As an operator would, now that the rules allow it.
      for (const auto& terminal : terminals_) terminal->RequeueAll();
      world_.RunUntil(world_.Now() + kCheckEvery, stop);
    }
    if (!stop()) CheckEnd();
    return Report();
  }

 private:
  void AddReplica(const std::string& name) {
    const BackedUp backed_up = restores_centre_ ? BackedUp::kNothing : BackedUp::kAccepted;
    replicas_.push_back(
        std::make_unique<SimCentre>(world_, network_, oracle_, bug_, backed_up, ledger_, name));
  }
  // The replica that has the ledger open; if none has, the first.
  [[nodiscard]] SimCentre& Centre() {
    const auto serving =
        std::ranges::find_if(replicas_, [](const auto& replica) { return replica->Running(); });
    return serving == replicas_.end() ? *replicas_.front() : **serving;
  }
  void AddTerminal() {
    terminals_.push_back(std::make_unique<SimTerminal>(world_, network_, oracle_, bug_,
                                                       fmt::format("till-{}", terminals_.size() + 1)));
  }
  [[nodiscard]] SimTerminal& Some() { return *terminals_[world_.Below(terminals_.size())]; }

  void PlanCaptures() {
    const std::uint64_t captures = 10 + world_.Below(50);
    for (std::uint64_t i = 0; i < captures; ++i) {
      // In bursts, as a till is used.
      const auto at = world_.Between(0us, kFaultyTime);
      const std::uint64_t burst = world_.OneIn(3) ? 1 + world_.Below(6) : 1;
      for (std::uint64_t j = 0; j < burst; ++j) {
        world_.In(at + world_.Between(0us, 300ms),
                  [this] { Some().Capture(kLanes[world_.Below(kLanes.size())], 1 + world_.Below(4)); });
      }
    }
  }

  void PlanFaults() {
    const std::uint64_t faults = 4 + world_.Below(20);
    for (std::uint64_t i = 0; i < faults; ++i) {
      world_.In(world_.Between(1s, kFaultyTime - 1s), [this] { StrikeOnce(); });
    }
    if (stands_by_) {
      const std::uint64_t hangs = 1 + world_.Below(3);
      for (std::uint64_t i = 0; i < hangs; ++i) {
        world_.In(world_.Between(1s, kFaultyTime - 1s), [this] { Centre().Hang(); });
      }
    }
    // While all else may be well.
    if (disk_fails_) {
      world_.In(world_.Between(kFaultyTime - 1min, kFaultyTime), [this] { FailTill(Some()); });
    }
    if (restores_centre_) {
      const auto taken = world_.Between(10s, kFaultyTime / 2);
      world_.In(taken, [this] { Centre().TakeBackup(); });
      world_.In(taken + world_.Between(1s, kFaultyTime / 2), [this] { Centre().RestoreBackup(); });
    }
    if (restores_outbox_) {
      const auto taken = world_.Between(5s, kFaultyTime / 2);
      world_.In(taken, [this] { copy_ = terminals_.front()->Copy(); });
      world_.In(taken + world_.Between(1s, kFaultyTime / 2), [this] {
        if (copy_) terminals_.front()->Replace(*copy_, world_.OneIn(2));
      });
    }
    if (copies_outbox_) {
      const std::uint64_t copies = 1 + world_.Below(kMaxTerminals - 1);
      for (std::uint64_t i = 0; i < copies; ++i) {
        world_.In(world_.Between(5s, kFaultyTime), [this] { CopyTerminal(); });
      }
    }
    if (parks_) {
      world_.In(world_.Between(0us, kFaultyTime / 2), [this] {
        world_.Trace("centre", "the rules now allow 2 lines");
        ledger_.rules.max_lines = 2;
      });
    }
  }

  void CopyTerminal() {
    const auto image = Some().Copy();
    if (!image) return;
    AddTerminal();
    world_.Trace(fmt::format("till-{}", terminals_.size()), "is a copy that lives");
    terminals_.back()->Replace(*image, true);
    terminals_.back()->Start();
  }

  void StrikeOnce() {
    switch (world_.Below(disk_fails_ ? 17 : 11)) {
      case 0:
        return Some().Kill();
      case 1:
        return Some().LosePower();
      case 2:
        return EndSoon(world_, Some().Disk(), world_.OneIn(2));
      case 3:
        return Centre().Kill();
      case 4:
        return Centre().LosePower();
      case 5:
        return EndSoon(world_, ledger_.disk.Disk(), world_.OneIn(2));
      case 6:
        world_.Trace("network", "every stream breaks");
        return network_.BreakAll();
      case 7:
        world_.Trace("network", "every stream hangs");
        return network_.HangAll();
      case 8:
        return LoseNetwork();
      case 9:
        return world_.OneIn(2) ? Some().RequeueAll() : Some().ReleaseOne();
      case 10:
        if (world_.OneIn(2)) return Centre().PushBack();
        return Some().SetWallClock(std::chrono::hours(static_cast<int>(world_.Below(20'000)) - 10'000));
      case 11:
        return FillDisk(Some().Disk(), "a till's disk");
      case 12:
      case 13:
      case 14:
      case 15:
        return FailTill(Some());
      case 16:
        return FailDisk(ledger_.disk.Disk(), "the centre's disk");
    }
  }

  void LoseNetwork() {
    world_.Trace("network", "down");
    network_.SetDown(true);
    network_.HangAll();
    world_.In(world_.Between(1s, 90s), [this] {
      world_.Trace("network", "up");
      network_.SetDown(false);
      if (world_.OneIn(2)) Some().LinkUp();
    });
  }

  void FillDisk(FaultyDisk& disk, const std::string& which) {
    world_.Trace("disk", which + " is full");
    disk.SetCapacity(disk.UsedBytes());
    world_.In(world_.Between(1s, 60s), [&disk] { disk.SetCapacity(std::nullopt); });
  }

  // It may be helped by being switched off and on again.
  void FailTill(SimTerminal& till) {
    FailDisk(till.Disk(), "a till's disk");
    if (world_.OneIn(3)) world_.In(world_.Between(1s, 2min), [&till] { till.LosePower(); });
  }

  void FailDisk(FaultyDisk& disk, const std::string& which) {
    constexpr std::array kFaults = {DiskFault::kNoSpace,   DiskFault::kReadError, DiskFault::kWriteError,
                                    DiskFault::kSyncError, DiskFault::kSyncError, DiskFault::kReadOnly};
    const DiskFault fault = kFaults[world_.Below(kFaults.size())];
    world_.Trace("disk", fmt::format("{} will fail, kind {}", which, static_cast<int>(fault)));
    // Each kind counts its own calls, and syncs are fewer.
    disk.FailAt(fault, 1 + world_.Below(fault == DiskFault::kSyncError ? 4 : 30),
                world_.OneIn(2) ? FaultyDisk::Lasting::kOnce : FaultyDisk::Lasting::kForEver);
    world_.In(world_.Between(1s, 60s), [&disk] { disk.Heal(); });
  }

  void PlanChecks() {
    for (SimWorld::Duration at = kCheckEvery; at < kFaultyTime; at += kCheckEvery) {
      world_.In(at, [this] { CheckTerminals(); });
    }
  }

  void CheckTerminals() {
    for (const auto& terminal : terminals_) terminal->Check();
  }

  void Heal() {
    world_.Trace("world", "no more faults");
    network_.SetDown(false);
    HealDisk(ledger_.disk.Disk());
    ledger_.rules.max_lines = AcceptanceRules().max_lines;
    for (const auto& terminal : terminals_) {
      HealDisk(terminal->Disk());
      world_.In(kWritesAgainWithin, [this, &till = *terminal] {
        last_actions_.push_back(till.Capture(kLanes[world_.Below(kLanes.size())], 1));
      });
    }
  }

  bool AllDrained() {
    const bool captured = last_actions_.size() == terminals_.size() &&
                          std::ranges::all_of(last_actions_, [this](std::uint64_t action) {
                            return oracle_.Action(action).acknowledged;
                          });
    return captured && Centre().Running() &&
           std::all_of(terminals_.begin(), terminals_.end(),
                       [&](const auto& terminal) { return terminal->Drained(ledger_.restored_at); });
  }

  void CheckEnd() {
    if (!AllDrained()) {
      std::string which = Centre().Running() ? "" : " the centre is down;";
      for (const auto& terminal : terminals_) which += terminal->Backlog();
      oracle_.Complain(fmt::format("not drained {} min after the last fault:{}", kHealing / 1min, which));
    }
    std::uint64_t lacking = 0;
    for (const auto& [epoch, events] : ledger_.lacking) lacking += events;
    if (lacking > 0) {
      oracle_.Complain(fmt::format("by the last digests the centre lacks {} events", lacking));
    }
    for (const std::uint64_t action : last_actions_) {
      if (oracle_.Action(action).acknowledged) continue;
      oracle_.Complain(fmt::format("refused: action {} is never taken, though every disk is well", action));
    }
    CheckTerminals();
    std::vector<std::vector<std::uint64_t>> histories;
    std::uint64_t named = 0;
    for (const auto& terminal : terminals_) {
      histories.push_back(terminal->History());
      named += terminal->NamedLost();
    }
    if (named > 0 && !restores_centre_ && !restores_outbox_ && !copies_outbox_) {
      oracle_.Complain(fmt::format("called lost: {} sequences, though no file was replaced", named));
    }
    oracle_.CheckEnd(histories, named);
  }

  SimReport Report() {
    SimReport report;
    report.complaints = oracle_.Complaints();
    if (!report.complaints.empty()) {
      report.last_lines.assign(world_.LastLines().begin(), world_.LastLines().end());
    }
    report.acknowledged = oracle_.Acknowledged();
    report.in_effect = oracle_.EntriesInEffect();
    report.lost_with_their_file = oracle_.LostWithTheirFile();
    report.offered_to_people = oracle_.OfferedToPeople();
    report.steps = world_.Steps();
    report.trace_digest = world_.TraceDigest();
    for (const auto& [is_on, word] :
         {std::pair(restores_centre_, "centre restored"), std::pair(restores_outbox_, "outbox replaced"),
          std::pair(copies_outbox_, "outbox copied"), std::pair(parks_, "parking"),
          std::pair(disk_fails_, "disks failing"), std::pair(stands_by_, "two replicas")}) {
      if (!is_on) continue;
      report.faults += (report.faults.empty() ? "" : ", ") + std::string(word);
    }
    return report;
  }

  const SimBug bug_;
  SimWorld world_;
  SimNetwork network_;
  SimOracle oracle_;
  const bool restores_centre_, restores_outbox_, copies_outbox_, parks_, disk_fails_;
  const bool stands_by_;
  SimLedger ledger_;
  std::vector<std::unique_ptr<SimCentre>> replicas_;
  std::vector<std::unique_ptr<SimTerminal>> terminals_;
  std::optional<SimTerminal::Image> copy_;
  std::vector<std::uint64_t> last_actions_;  // one at each till, after the last fault
};

}  // namespace

std::string SimReport::Text() const {
  std::string text = fmt::format("with {}:\n", faults.empty() ? "crashes and broken networks" : faults);
  for (const std::string& line : last_lines) text += "  " + line + "\n";
  for (const std::string& complaint : complaints) text += "  FAILED " + complaint + "\n";
  return text;
}

void SimTally::Add(const SimReport& report) {
  ++runs;
  if (!report.complaints.empty()) ++failed;
  sums.acknowledged += report.acknowledged;
  sums.in_effect += report.in_effect;
  sums.lost_with_their_file += report.lost_with_their_file;
  sums.offered_to_people += report.offered_to_people;
  sums.steps += report.steps;
}

std::string SimTally::Text() const {
  return fmt::format(
      "simulator: {} runs, {} failed; {} steps, {} captures acknowledged, {} in effect, {} offered to people "
      "after "
      "their sequence was closed as lost, {} gone with a file that was replaced together with its mark",
      runs, failed, sums.steps, sums.acknowledged, sums.in_effect, sums.offered_to_people,
      sums.lost_with_their_file);
}

SimReport Simulate(const SimOptions& options) {
  spdlog::set_level(spdlog::level::off);
  return Run(options).Go();
}

}  // namespace tillwire
