// A terminal in a simulated run: the real outbox, on the twin of a disk, behind the agent's real worker, and
// the real uplink machine; the agent's threads in virtual time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/outbox_worker.h"
#include "agent/uplink/uplink_machine.h"
#include "storage/outbox.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/sim/sim_bug.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_oracle.h"
#include "tests/sim/sim_store.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

class SimTerminal {
 public:
  // A file of the disk, and what it holds.
  struct Image {
    std::map<std::string, std::string> files;  // by name in the outbox's directory
    std::map<Position, std::uint64_t> history;
  };

  // `name` is its own in this run, for the trace and for SQLite. All terminals have the same identity: each
  // after the first is a copy of it.
  SimTerminal(SimWorld& world, SimNetwork& network, SimOracle& oracle, SimBug bug, std::string name);

  void Start();
  [[nodiscard]] bool Running() const { return worker_ != nullptr; }

  // An associate acts. The caller repeats until it is answered, for some time. Returns the action's number.
  std::uint64_t Capture(const std::string& lane, std::size_t lines);

  // -- People

  // Everything that is parked goes back into the queue; the first parked event is given up.
  void RequeueAll();
  void ReleaseOne();

  // -- Faults

  void Kill();
  void LosePower();
  [[nodiscard]] FaultyDisk& Disk() { return disk_.Disk(); }
  void SetWallClock(std::chrono::hours offset);
  void LinkUp();
  // What stands on its disk; nothing while the process is down.
  [[nodiscard]] std::optional<Image> Copy();
  // The process ends, and these files stand in the place of its own; `with_mark`: the high-water mark too.
  void Replace(const Image& image, bool with_mark);

  // -- Looking

  // The acknowledged actions that this outbox was given, in the order of their capture.
  [[nodiscard]] std::vector<std::uint64_t> History() const;
  // Whether all has reached the centre, or been given up, by what the centre said not before `since`.
  [[nodiscard]] bool Drained(SimWorld::Duration since);
  // Sequences that it calls lost.
  [[nodiscard]] std::uint64_t NamedLost();
  // What it still has to send, in words.
  [[nodiscard]] std::string Backlog();
  // What does not add up, or has been lost from the running outbox.
  void Check();

 private:
  struct Caller {
    std::uint64_t action = 0;
    std::string lane;
    std::size_t lines = 0;
    int attempts_left = 0;
    std::uint64_t files = 0;             // which files the outbox had at the first attempt
    std::optional<WallTime> occur_time;  // as some callers say: with it the action names its event
  };

  void Attempt(const Caller& caller);
  void TryAgain(Caller caller);
  // Nothing while the process is down, or where its disk fails.
  template <typename T>
  std::optional<T> Look(const std::function<T()>& question);
  [[nodiscard]] std::optional<OutboxStatus> Status();
  [[nodiscard]] std::optional<Result<EventView>> Find(const Uuid& event_id);
  std::unique_ptr<CommitQueue> MakeQueue(Transactional& store);
  [[nodiscard]] OutboxWorker::Notices MakeNotices();
  void SyncMarkSoon();
  void DieSoon();
  void Die(const std::string& how);
  void StartSoon();
  [[nodiscard]] BootTime Now() const { return world_.Now(); }
  [[nodiscard]] std::string Path() const { return directory_.Path().string() + "/"; }

  void Do(UplinkActions actions);
  void Rearm();
  template <typename T, typename Next>
  void Ask(std::function<T(Outbox&)> question, Next next);
  void Act(uplink_action::ReadHistory& action);
  void Act(uplink_action::OpenStream& action);
  void Act(uplink_action::CloseStream& action);
  void Act(uplink_action::Send& action);
  void Act(uplink_action::ApplyWelcome& action);
  void Act(uplink_action::ReadPending& action);
  void Act(uplink_action::ApplyOutcomes& action);
  void Act(uplink_action::MoveSuffix& action);
  void Act(uplink_action::StartEpoch& action);
  void Act(uplink_action::ReadLostRanges& action);
  void Act(uplink_action::MarkAnnounced& action);
  void Act(uplink_action::Maintain& action);
  void Act(uplink_action::ReadDigest& action);
  void PretendAnswered(const EventBatch& batch);

  SimWorld& world_;
  SimNetwork& network_;
  SimOracle& oracle_;
  const SimBug bug_;
  const std::string name_;
  const TempDirectory directory_;
  FaultyVfs disk_;
  SimClock clock_;
  FakeRng rng_;
  UuidGenerator event_ids_{rng_};
  OutboxOptions options_;

  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<UplinkMachine> machine_;
  CommitMetrics commit_metrics_;
  SimStore* queue_ = nullptr;  // that of the worker
  std::unique_ptr<OutboxWorker> worker_;
  std::shared_ptr<SimStream> stream_;
  std::optional<BootTime> armed_;
  std::optional<BootTime> welcomed_at_;
  std::uint64_t run_ = 0;  // of the process
  bool mark_sync_due_ = false;
  bool mark_may_be_old_ = false;  // since the outbox was opened the power went, or its sync failed or is due
  std::uint64_t files_ = 0;       // counts up when the files are replaced
  std::map<Position, std::uint64_t> history_;  // actions by their event's position
};

}  // namespace tillwire
