#include "platform/open_calls.h"

#include <utility>

namespace tillwire {

OpenCalls::Call OpenCalls::Add(std::function<void()> stop) {
  {
    const std::lock_guard lock(mutex_);
    const Call call = ++last_call_;
    if (!stopped_) {
      open_.emplace(call, std::move(stop));
      return call;
    }
  }
  stop();
  return 0;
}

void OpenCalls::Remove(Call call) {
  const std::lock_guard lock(mutex_);
  open_.erase(call);
}

std::size_t OpenCalls::Count() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

void OpenCalls::StopAll() {
  std::map<Call, std::function<void()>> stopping;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    stopping.swap(open_);
  }
  for (const auto& [call, stop] : stopping) stop();
}

}  // namespace tillwire
