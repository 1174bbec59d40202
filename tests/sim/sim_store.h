// Group commit in virtual time: what GroupCommit does with a thread, step by step.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "storage/group_commit.h"
#include "tests/sim/sim_world.h"

namespace tillwire {

// Used while its program runs; a program that dies destroys it, and what waited is then never answered.
class SimStore {
 public:
  // `failed`: a commit failed in a way that ends the program. It must destroy this only later.
  SimStore(SimWorld& world, Transactional& store, bool answers_before_commit, std::function<void()> failed);
  ~SimStore();
  SimStore(const SimStore&) = delete;
  SimStore& operator=(const SimStore&) = delete;

  void Submit(GroupCommit::Job job);
  [[nodiscard]] std::size_t Waiting() const { return queue_.size(); }

 private:
  void Arm();
  void CommitGroup();

  SimWorld& world_;
  Transactional& store_;
  const bool answers_before_commit_;
  const std::function<void()> failed_callback_;
  std::deque<GroupCommit::Job> queue_;
  bool armed_ = false;
  bool failed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tillwire
