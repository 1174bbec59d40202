// Many callers, one sync: jobs that wait while a commit is under way go into the next one together.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "core/result.h"

namespace tillwire {

// A store with transactions, used by one thread at a time.
class Transactional {
 public:
  virtual ~Transactional() = default;
  virtual void Begin() = 0;
  // Durable when it returns. Throws StorageFault.
  virtual void Commit() = 0;
  virtual void Rollback() noexcept = 0;
  // Whether Begin() makes the store sound again after a commit that failed in doubt, or throws where it can't
  // yet.
  [[nodiscard]] virtual bool ComesBack() const { return false; }
};

// Where a group stands; tests interrupt it there.
enum class CommitPhase { kBeforeCommit, kInCommit };
using CommitProbe = std::function<void(CommitPhase)>;

// Owns the thread that uses a Transactional. Any thread may Submit.
class GroupCommit {
 public:
  // Two halves of a job, both called on the commit thread. `work` runs in the group's transaction; an
  // expected failure is for it to keep. If it throws, or the disk has no room for the commit, the group is
  // rolled back and its halves run again, down to single jobs, so `work` may be called several times. `done`
  // runs after the commit is durable, or with the reason why it was rolled back: kResourceExhausted,
  // kUnavailable or kDataLoss (nothing was recorded), kUnknown (the disk failed while committing).
  struct Job {
    std::function<void()> work;
    std::function<void(const Result<void>&)> done;
  };

  static constexpr std::size_t kDefaultMaxGroup = 4096;

  explicit GroupCommit(Transactional& store, std::size_t max_group = kDefaultMaxGroup,
                       CommitProbe probe = {});
  // Finishes what was submitted.
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  // Enqueues. After Stop(), or once Failed(), `done` is called at once, on the caller's thread, with
  // kUnavailable.
  void Submit(Job job);
  // Finishes what was submitted, then refuses. Returns when the thread has ended.
  void Stop();
  // Whether a commit failed in a way after which the disk's content is not known, of a store that does not
  // come back by itself. Nothing is written any more.
  [[nodiscard]] bool Failed() const;

 private:
  void Run();
  void CommitGroup(std::span<Job> group);

  Transactional& store_;
  const std::size_t max_group_;
  const CommitProbe probe_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job> queue_;
  bool stopping_ = false;
  bool failed_ = false;
  std::thread thread_;
};

}  // namespace tillwire
