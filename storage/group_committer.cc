#include "storage/group_committer.h"

#include <utility>

#include "storage/database.h"

namespace tillwire {
namespace {

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

GroupCommitter::GroupCommitter(Transactional& store, CommitProbe probe)
    : store_(store), probe_(probe ? std::move(probe) : [](CommitPhase) {}) {}

Error GroupCommitter::FailedError() {
  return {ErrorCode::kUnavailable, "the store stopped after a failed write to its disk",
          "check the disk, then restart the program"};
}

void GroupCommitter::Commit(std::span<CommitJob> group) {
  if (Failed()) {
    for (CommitJob& job : group) job.done(FailedError());
    return;
  }
  bool committing = false;
  const Result<void> outcome = Guarded([&] {
    store_.Begin();
    for (const CommitJob& job : group) job.work();
    probe_(CommitPhase::kBeforeCommit);
    committing = true;
    probe_(CommitPhase::kInCommit);
    store_.Commit();
  });
  if (outcome) {
    for (CommitJob& job : group) job.done(outcome);
    return;
  }
  store_.Rollback();
  Error error = outcome.error();
  if (group.size() > 1 && !(committing && LeavesDoubt(error))) {
    // One of them is at fault, or they have no room together, and those that could be stored shall not suffer
    // for it.
    const std::size_t half = group.size() / 2;
    Commit(group.first(half));
    Commit(group.subspan(half));
    return;
  }
  if (committing && LeavesDoubt(error)) {
    error.code = ErrorCode::kUnknown;
    failed_ = !store_.ComesBack();
  }
  for (CommitJob& job : group) job.done(error);
}

}  // namespace tillwire
