// An agent followed for as long as one likes, through its restarts.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/cli/connection_options.h"
#include "core/result.h"

namespace tillwire {

class AgentTransport;

namespace v1 {
class WatchEventsResponse;
}  // namespace v1

// Both are called on the watcher's thread, one at a time.
struct WatcherCallbacks {
  std::function<void(const v1::WatchEventsResponse&)> on_update;
  // No agent answers, or it has stopped. It is tried again each second until one answers.
  std::function<void(const Error&)> on_down;
};

class AgentWatcher {
 public:
  AgentWatcher(const ConnectionOptions& connection, WatcherCallbacks callbacks);
  // Ends the watch, and returns after the last callback.
  ~AgentWatcher();
  AgentWatcher(const AgentWatcher&) = delete;
  AgentWatcher& operator=(const AgentWatcher&) = delete;

 private:
  void Run();
  // One connection, to its end.
  Error WatchOnce();

  const ConnectionOptions connection_;
  const WatcherCallbacks callbacks_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<AgentTransport> open_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tillwire
