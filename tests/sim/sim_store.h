// Group commit in virtual time: what GroupCommit does on a thread of its own, step by step.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "storage/group_committer.h"
#include "tests/sim/sim_world.h"

namespace tillwire {

// Used while its program runs; a program that dies destroys it, and what waited is then never answered.
class SimStore final : public CommitQueue {
 public:
  // `runs`: whether the program does; one that was killed or lost power answers nobody. `ended`: it does no
  // longer, or the store failed in a way that ends it. It must destroy this only later.
  SimStore(SimWorld& world, Transactional& store, bool answers_before_commit, std::function<bool()> runs,
           std::function<void()> ended);
  ~SimStore() override;
  SimStore(const SimStore&) = delete;
  SimStore& operator=(const SimStore&) = delete;

  void Submit(CommitJob job) override;
  // As in a program that dies: what waits is dropped.
  void Stop() override;
  // While it is held nothing is committed.
  void Hold(bool held);
  [[nodiscard]] std::size_t Waiting() const { return queue_.size(); }

 private:
  void Arm();
  void CommitGroup();

  SimWorld& world_;
  const bool answers_before_commit_;
  const std::function<bool()> runs_;
  const std::function<void()> ended_callback_;
  GroupCommitter committer_;
  std::deque<CommitJob> queue_;
  bool armed_ = false;
  bool ended_ = false;
  bool held_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tillwire
