// Jobs on a store, committed together with one sync: what is done with a group of them, on the thread that
// asks. GroupCommit has a thread of its own for it.
#pragma once

#include <atomic>
#include <functional>
#include <span>

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

// Two halves of a job, both called on the thread that commits. `work` runs in the group's transaction; an
// expected failure is for it to keep. If it throws, or the disk has no room for the commit, the group is
// rolled back and its halves run again, down to single jobs, so `work` may be called several times. `done`
// runs after the commit is durable, or with the reason why it was rolled back: kResourceExhausted,
// kUnavailable or kDataLoss (nothing was recorded), kUnknown (the disk failed while committing).
struct CommitJob {
  std::function<void()> work;
  std::function<void(const Result<void>&)> done;
};

// Takes jobs, and has them committed later, in order.
class CommitQueue {
 public:
  virtual ~CommitQueue() = default;
  virtual void Submit(CommitJob job) = 0;
  // Finishes what was submitted, then refuses.
  virtual void Stop() = 0;
};

// Used by one thread, but for Failed().
class GroupCommitter {
 public:
  // `store` outlives it.
  explicit GroupCommitter(Transactional& store, CommitProbe probe = {});

  // Returns when each job's `done` has run. Once Failed(), each is refused with kUnavailable.
  void Commit(std::span<CommitJob> group);
  // Whether a commit failed in a way after which the disk's content is not known, of a store that does not
  // come back by itself. Nothing is written any more. Any thread.
  [[nodiscard]] bool Failed() const { return failed_; }

  // What a job is refused with when Failed().
  [[nodiscard]] static Error FailedError();

 private:
  Transactional& store_;
  const CommitProbe probe_;
  std::atomic<bool> failed_ = false;
};

}  // namespace tillwire
