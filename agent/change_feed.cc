#include "agent/change_feed.h"

#include <utility>

namespace tillwire {

ChangeFeed::Subscription ChangeFeed::Subscribe(Listener listener) {
  const std::lock_guard lock(mutex_);
  listeners_.emplace(++last_, std::move(listener));
  return last_;
}

void ChangeFeed::Unsubscribe(Subscription subscription) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(subscription);
}

void ChangeFeed::Publish(const std::vector<Position>& events) {
  const std::lock_guard lock(mutex_);
  for (const auto& [subscription, listener] : listeners_) listener(events);
}

}  // namespace tillwire
