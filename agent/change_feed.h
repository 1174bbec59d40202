// Tells those who watch that something changed: events of the outbox, or how the agent is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "storage/outbox.h"

namespace tillwire {

// Any thread may call.
class ChangeFeed {
 public:
  using Subscription = std::uint64_t;
  // Called on the thread that publishes, with the positions of the events that changed, or with none when
  // only the agent's status did. Must not block, nor call the feed.
  using Listener = std::function<void(const std::vector<Position>&)>;

  Subscription Subscribe(Listener listener);
  // The listener is not called any more when it returns.
  void Unsubscribe(Subscription subscription);
  void Publish(const std::vector<Position>& events);

 private:
  std::mutex mutex_;
  Subscription last_ = 0;
  std::map<Subscription, Listener> listeners_;
};

}  // namespace tillwire
