// Many callers, one sync: jobs that wait while a commit is under way go into the next one together.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/group_committer.h"

namespace tillwire {

// Owns the thread that uses a Transactional. Any thread may Submit.
class GroupCommit final : public CommitQueue {
 public:
  using Job = CommitJob;

  static constexpr std::size_t kDefaultMaxGroup = 4096;

  explicit GroupCommit(Transactional& store, std::size_t max_group = kDefaultMaxGroup,
                       CommitProbe probe = {});
  // Finishes what was submitted.
  ~GroupCommit() override;
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  // Enqueues. After Stop(), or once Failed(), `done` is called at once, on the caller's thread, with
  // kUnavailable.
  void Submit(Job job) override;
  // Finishes what was submitted, then refuses. Returns when the thread has ended.
  void Stop() override;
  // As GroupCommitter has it.
  [[nodiscard]] bool Failed() const { return committer_.Failed(); }

 private:
  void Run();

  const std::size_t max_group_;
  GroupCommitter committer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tillwire
