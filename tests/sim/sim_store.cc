#include "tests/sim/sim_store.h"

#include <chrono>
#include <utility>
#include <vector>

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxGroup = 8;

// The bug: who asked hears of success before the commit.
CommitJob AnsweredEarly(CommitJob job) {
  auto answered = std::make_shared<bool>(false);
  return {[job = std::move(job), answered] {
            job.work();
            if (!std::exchange(*answered, true)) job.done({});
          },
          [](const Result<void>&) {}};
}

}  // namespace

SimStore::SimStore(SimWorld& world, Transactional& store, bool answers_before_commit,
                   std::function<bool()> runs, std::function<void()> ended)
    : world_(world),
      answers_before_commit_(answers_before_commit),
      runs_(std::move(runs)),
      ended_callback_(std::move(ended)),
      committer_(store) {}

SimStore::~SimStore() {
  *alive_ = false;
}

void SimStore::Submit(CommitJob job) {
  job.done = [this, done = std::move(job.done)](const Result<void>& committed) {
    if (runs_()) done(committed);
  };
  queue_.push_back(answers_before_commit_ ? AnsweredEarly(std::move(job)) : std::move(job));
  Arm();
}

void SimStore::Stop() {
  ended_ = true;
  queue_.clear();
}

void SimStore::Hold(bool held) {
  held_ = held;
  Arm();
}

void SimStore::Arm() {
  if (armed_ || ended_ || held_ || queue_.empty()) return;
  armed_ = true;
  world_.In(world_.Between(100us, 20ms), [this, alive = alive_] {
    if (!*alive) return;
    armed_ = false;
    if (!held_) CommitGroup();
    Arm();
  });
}

void SimStore::CommitGroup() {
  std::vector<CommitJob> group;
  const std::size_t size = 1 + world_.Below(kMaxGroup);
  while (!queue_.empty() && group.size() < size) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  committer_.Commit(group);
  if (runs_() && !committer_.Failed()) return;
  ended_ = true;
  ended_callback_();
}

}  // namespace tillwire
