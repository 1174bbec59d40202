// Wakes who follows the ledger when a commit has added to it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace tillwire {

// Any thread may call.
class EntryFeed {
 public:
  using Waiter = std::uint64_t;

  // Grows with each Announce(). Take it before reading, then wait beyond it: no commit is missed in between.
  [[nodiscard]] std::uint64_t Version() const;
  // A commit is durable. Waiters are called on this thread, once each.
  void Announce();
  // Calls `wake` when the version is above `seen`, at once if it is.
  Waiter WaitBeyond(std::uint64_t seen, std::function<void()> wake);
  // The waiter may still be called if Announce() runs now.
  void Cancel(Waiter waiter);

 private:
  mutable std::mutex mutex_;
  std::uint64_t version_ = 0;
  Waiter last_waiter_ = 0;
  std::map<Waiter, std::function<void()>> waiters_;
};

}  // namespace tillwire
