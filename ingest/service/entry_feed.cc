#include "ingest/service/entry_feed.h"

#include <utility>

namespace tillwire {

std::uint64_t EntryFeed::Version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

void EntryFeed::Announce() {
  std::map<Waiter, std::function<void()>> woken;
  {
    const std::lock_guard lock(mutex_);
    ++version_;
    woken.swap(waiters_);
  }
  for (const auto& [waiter, wake] : woken) wake();
}

EntryFeed::Waiter EntryFeed::WaitBeyond(std::uint64_t seen, std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    const Waiter waiter = ++last_waiter_;
    if (version_ <= seen) {
      waiters_.emplace(waiter, std::move(wake));
      return waiter;
    }
  }
  wake();
  return 0;
}

void EntryFeed::Cancel(Waiter waiter) {
  const std::lock_guard lock(mutex_);
  waiters_.erase(waiter);
}

}  // namespace tillwire
