#include "storage/group_commit.h"

#include <catch2/catch.hpp>
#include <future>
#include <optional>
#include <string>

#include "storage/database.h"

namespace tillwire {
namespace {

// Counts, and fails where it is told to.
class ScriptedStore final : public Transactional {
 public:
  void Begin() override { ++begun; }
  void Commit() override {
    if (fail_commit) throw StorageFault(*fail_commit);
    ++committed;
  }
  void Rollback() noexcept override { ++rolled_back; }

  int begun = 0;
  int committed = 0;
  int rolled_back = 0;
  std::optional<Error> fail_commit;
};

Result<void> Run(GroupCommit& commits, std::function<void()> work) {
  std::promise<Result<void>> promise;
  auto future = promise.get_future();
  commits.Submit({std::move(work), [&promise](const Result<void>& result) { promise.set_value(result); }});
  return future.get();
}

TEST_CASE("a job's end follows its commit") {
  ScriptedStore store;
  GroupCommit commits(store);
  bool worked = false;
  CHECK(Run(commits, [&] { worked = store.committed == 0; }).ok());
  CHECK(worked);
  CHECK(store.committed == 1);
}

TEST_CASE("a full disk refuses the group and nothing more") {
  ScriptedStore store;
  GroupCommit commits(store);
  const auto refused =
      Run(commits, [] { throw StorageFault({ErrorCode::kResourceExhausted, "disk full", "free space"}); });
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kResourceExhausted);
  CHECK(store.rolled_back == 1);
  CHECK_FALSE(commits.Failed());
  CHECK(Run(commits, [] {}).ok());
}

TEST_CASE("a job that fails does not take the others of its group with it") {
  ScriptedStore store;
  std::promise<void> submitted;
  auto all_submitted = submitted.get_future().share();
  GroupCommit commits(store);
  std::vector<ErrorCode> failures;
  int stored = 0;
  // The first group waits until the other jobs stand in line.
  commits.Submit({[all_submitted] { all_submitted.wait(); }, [](const Result<void>&) {}});
  for (int i = 0; i < 5; ++i) {
    commits.Submit({[i] {
                      if (i == 2)
                        throw StorageFault({ErrorCode::kDataLoss, "a damaged page", "check the disk"});
                    },
                    [&](const Result<void>& result) {
                      if (result.ok()) ++stored;
                      if (!result.ok()) failures.push_back(result.error().code);
                    }});
  }
  submitted.set_value();
  commits.Stop();
  CHECK(stored == 4);
  CHECK(failures == std::vector<ErrorCode>{ErrorCode::kDataLoss});
  CHECK_FALSE(commits.Failed());
}

TEST_CASE("where there is no room for a whole group, what fits is stored and the rest refused") {
  // Commits at most two jobs' worth.
  class SmallStore final : public Transactional {
   public:
    void Begin() override { jobs = 0; }
    void Commit() override {
      if (jobs > 2) throw StorageFault({ErrorCode::kResourceExhausted, "disk full", "free space"});
      committed += jobs;
    }
    void Rollback() noexcept override {}
    int jobs = 0;
    int committed = 0;
  } store;
  std::promise<void> submitted;
  auto all_submitted = submitted.get_future().share();
  GroupCommit commits(store);
  int refused = 0;
  commits.Submit({[all_submitted] { all_submitted.wait(); }, [](const Result<void>&) {}});
  for (int i = 0; i < 7; ++i) {
    // The fourth alone is too large.
    commits.Submit({[&store, i] { store.jobs += i == 3 ? 3 : 1; },
                    [&](const Result<void>& result) {
                      if (!result && result.error().code == ErrorCode::kResourceExhausted) ++refused;
                    }});
  }
  submitted.set_value();
  commits.Stop();
  CHECK(store.committed == 6);
  CHECK(refused == 1);
  CHECK_FALSE(commits.Failed());
}

TEST_CASE("a commit that failed on the disk leaves the outcome unknown, and writes nothing more") {
  ScriptedStore store;
  store.fail_commit = Error{ErrorCode::kUnavailable, "sync failed", "check the disk"};
  GroupCommit commits(store);
  const auto unknown = Run(commits, [] {});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == ErrorCode::kUnknown);
  CHECK(commits.Failed());
  store.fail_commit.reset();
  const auto refused = Run(commits, [] { FAIL("no work may run"); });
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("stopping finishes what was taken and refuses the rest") {
  ScriptedStore store;
  GroupCommit commits(store);
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    commits.Submit({[] {}, [&](const Result<void>& result) { done += result.ok() ? 1 : 0; }});
  }
  commits.Stop();
  CHECK(done == 100);
  CHECK(Run(commits, [] {}).error().code == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace tillwire
