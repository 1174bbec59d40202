// Long calls that are open, so that a service that stops can end them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace tillwire {

// Any thread may call.
class OpenCalls {
 public:
  using Call = std::uint64_t;

  // `stop` ends the call; it is called at most once, and at once if the service has stopped.
  Call Add(std::function<void()> stop);
  void Remove(Call call);
  [[nodiscard]] std::size_t Count() const;
  // Stops what is open and what is yet to come.
  void StopAll();

 private:
  mutable std::mutex mutex_;
  bool stopped_ = false;
  Call last_call_ = 0;
  std::map<Call, std::function<void()>> open_;
};

}  // namespace tillwire
