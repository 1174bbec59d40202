#include "agent/cli/agent_watcher.h"

#include <chrono>
#include <utility>

#include "agent/cli/agent_transport.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::chrono::seconds kRetry{1};

}  // namespace

AgentWatcher::AgentWatcher(const ConnectionOptions& connection, WatcherCallbacks callbacks)
    : connection_(connection), callbacks_(std::move(callbacks)), thread_([this] { Run(); }) {}

AgentWatcher::~AgentWatcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (open_) open_->StopWatching();
  }
  wake_.notify_all();
  thread_.join();
}

void AgentWatcher::Run() {
  while (true) {
    const Error down = WatchOnce();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    lock.unlock();
    callbacks_.on_down(down);
    lock.lock();
    if (wake_.wait_for(lock, kRetry, [this] { return stopping_; })) return;
  }
}

Error AgentWatcher::WatchOnce() {
  auto connected = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!connected) return connected.error();
  const auto agent = std::make_shared<AgentTransport>(std::move(connected).value());
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return {};
    open_ = agent;
  }
  const auto watched = agent->WatchEvents(true, [this](const v1::WatchEventsResponse& update) {
    callbacks_.on_update(update);
    return true;
  });
  const std::lock_guard lock(mutex_);
  open_.reset();
  if (watched) return {ErrorCode::kUnavailable, "the agent ended the watch", {}};
  return {ErrorCode::kUnavailable, "the agent has stopped", "start it: systemctl start tillwired"};
}

}  // namespace tillwire
