#include "tests/sim/sim_store.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/database.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxGroup = 8;

}  // namespace

SimStore::SimStore(SimWorld& world, Transactional& store, bool answers_before_commit,
                   std::function<void()> failed)
    : world_(world),
      store_(store),
      answers_before_commit_(answers_before_commit),
      failed_callback_(std::move(failed)) {}

SimStore::~SimStore() {
  *alive_ = false;
}

void SimStore::Submit(GroupCommit::Job job) {
  queue_.push_back(std::move(job));
  Arm();
}

void SimStore::Arm() {
  if (armed_ || failed_ || queue_.empty()) return;
  armed_ = true;
  world_.In(world_.Between(100us, 20ms), [this, alive = alive_] {
    if (!*alive) return;
    armed_ = false;
    CommitGroup();
    if (*alive) Arm();
  });
}

void SimStore::CommitGroup() {
  std::vector<GroupCommit::Job> group;
  const std::size_t size = 1 + world_.Below(kMaxGroup);
  while (!queue_.empty() && group.size() < size) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  std::optional<Error> failure;
  bool begun = false;
  try {
    store_.Begin();
    begun = true;
    for (const GroupCommit::Job& job : group) job.work();
    if (answers_before_commit_) {
      for (const GroupCommit::Job& job : group) job.done({});
    }
    store_.Commit();
  } catch (const StorageFault& fault) {
    failure = fault.error();
  } catch (const SQLite::Exception& exception) {
    failure = ErrorFromSqlite(exception);
  }
  if (failure && begun) store_.Rollback();
  if (failure && failure->code != ErrorCode::kResourceExhausted) {
    failed_ = true;
    failed_callback_();
    return;
  }
  if (answers_before_commit_) return;
  const auto alive = alive_;
  for (const GroupCommit::Job& job : group) {
    job.done(failure ? Result<void>(*failure) : Result<void>());
    if (!*alive) return;
  }
}

}  // namespace tillwire
