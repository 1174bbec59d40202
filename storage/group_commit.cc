#include "storage/group_commit.h"

#include <iterator>
#include <utility>

#include "storage/database.h"

namespace tillwire {
namespace {

Error RefusedError(bool failed) {
  if (failed) {
    return {ErrorCode::kUnavailable, "the store stopped after a failed write to its disk",
            "check the disk, then restart the program"};
  }
  return {ErrorCode::kUnavailable, "the program is stopping", "try again when it runs"};
}

// Runs `body`; a fault becomes its error.
template <typename Body>
Result<void> Guarded(Body body) {
  try {
    body();
    return {};
  } catch (const StorageFault& fault) {
    return fault.error();
  } catch (const SQLite::Exception& exception) {
    return ErrorFromSqlite(exception);
  }
}

// What is on disk after a commit that failed is not known, but for a full disk, which SQLite finds before it
// commits.
bool LeavesDoubt(const Error& error) {
  return error.code != ErrorCode::kResourceExhausted;
}

}  // namespace

GroupCommit::GroupCommit(Transactional& store, std::size_t max_group, CommitProbe probe)
    : store_(store),
      max_group_(max_group),
      probe_(probe ? std::move(probe) : [](CommitPhase) {}),
      thread_([this] { Run(); }) {}

GroupCommit::~GroupCommit() {
  Stop();
}

void GroupCommit::Submit(Job job) {
  bool failed = false;
  bool taken = false;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    failed = failed_;
    taken = !stopping_ && !failed_;
    first = queue_.empty();
    if (taken) queue_.push_back(std::move(job));
  }
  if (!taken) return job.done(RefusedError(failed));
  // Without the lock, or the thread would wake up only to wait for it; and where others wait already it has
  // been told.
  if (first) wake_.notify_one();
}

void GroupCommit::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool GroupCommit::Failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void GroupCommit::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::vector<Job> group;
    if (queue_.size() <= max_group_) {
      group.swap(queue_);
    } else {
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(max_group_);
      group.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
      queue_.erase(queue_.begin(), end);
    }
    lock.unlock();
    CommitGroup(group);
    lock.lock();
  }
}

void GroupCommit::CommitGroup(std::span<Job> group) {
  if (Failed()) {
    for (Job& job : group) job.done(RefusedError(true));
    return;
  }
  bool committing = false;
  const Result<void> outcome = Guarded([&] {
    store_.Begin();
    for (const Job& job : group) job.work();
    probe_(CommitPhase::kBeforeCommit);
    committing = true;
    probe_(CommitPhase::kInCommit);
    store_.Commit();
  });
  if (outcome) {
    for (Job& job : group) job.done(outcome);
    return;
  }
  store_.Rollback();
  Error error = outcome.error();
  if (group.size() > 1 && !(committing && LeavesDoubt(error))) {
    // One of them is at fault, or they have no room together, and those that could be stored shall not suffer
    // for it.
    const std::size_t half = group.size() / 2;
    CommitGroup(group.first(half));
    CommitGroup(group.subspan(half));
    return;
  }
  if (committing && LeavesDoubt(error)) {
    error.code = ErrorCode::kUnknown;
    const std::lock_guard lock(mutex_);
    failed_ = !store_.ComesBack();
  }
  for (Job& job : group) job.done(error);
}

}  // namespace tillwire
