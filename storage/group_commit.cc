#include "storage/group_commit.h"

#include <iterator>
#include <utility>

namespace tillwire {
namespace {

Error StoppingError() {
  return {ErrorCode::kUnavailable, "the program is stopping", "try again when it runs"};
}

}  // namespace

GroupCommit::GroupCommit(Transactional& store, std::size_t max_group, CommitProbe probe)
    : max_group_(max_group), committer_(store, std::move(probe)), thread_([this] { Run(); }) {}

GroupCommit::~GroupCommit() {
  Stop();
}

void GroupCommit::Submit(Job job) {
  std::unique_lock lock(mutex_);
  if (stopping_ || Failed()) {
    lock.unlock();
    return job.done(Failed() ? GroupCommitter::FailedError() : StoppingError());
  }
  const bool first = queue_.empty();
  queue_.push_back(std::move(job));
  lock.unlock();
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
    committer_.Commit(group);
    lock.lock();
  }
}

}  // namespace tillwire
