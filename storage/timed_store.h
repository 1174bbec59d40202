// How long commits take and how much goes into one.
#pragma once

#include <cstdint>

#include "core/clock.h"
#include "core/metrics.h"
#include "storage/group_commit.h"

namespace tillwire {

struct CommitMetrics {
  Histogram seconds{kMicrosecondBounds};  // of commits that stored records, with their sync
  Histogram records{kRecordBounds};       // in one of those
};

// Stands before a store and times its commits, but not those of transactions that only looked: they sync
// nothing. Used on the store's thread.
class TimedStore final : public Transactional {
 public:
  // All three outlive it.
  TimedStore(Transactional& store, const Clock& clock, CommitMetrics& metrics)
      : store_(store), clock_(clock), metrics_(metrics) {}

  // The transaction that is open stores so many records more.
  void NoteRecords(std::uint64_t count) { records_ += count; }

  void Begin() override {
    records_ = 0;
    store_.Begin();
  }
  void Commit() override {
    if (records_ == 0) return store_.Commit();
    const BootTime begin = clock_.BootNow();
    store_.Commit();
    metrics_.seconds.Observe(clock_.BootNow() - begin);
    metrics_.records.Observe(records_);
  }
  void Rollback() noexcept override { store_.Rollback(); }
  [[nodiscard]] bool ComesBack() const override { return store_.ComesBack(); }

 private:
  Transactional& store_;
  const Clock& clock_;
  CommitMetrics& metrics_;
  std::uint64_t records_ = 0;
};

}  // namespace tillwire
