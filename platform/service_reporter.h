// When the service manager is told what: readiness once, the line for people when something happened, and a
// beat of the watchdog as long as the threads that matter are alive.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "platform/service_notify.h"

namespace asio {
class io_context;
}

namespace tillwire {

// Whom the reporter asks.
struct ServiceSources {
  // Asks for the line for people. Called on the io thread; `done` may be called on any thread, late, or
  // never.
  std::function<void(std::function<void(std::string)> done)> describe;
  // Calls `alive` on the thread whose life the watchdog stands for; late or never if that is stuck. Called on
  // the io thread, so that a beat proves both.
  std::function<void(std::function<void()> alive)> prove_alive;
};

// Lives on the thread that runs `io`, but for Touch(). Has a timer only while a line is held back for its
// interval, and where the manager wants beats; nothing at all where nobody wants to know.
class ServiceReporter {
 public:
  // The line for people is sent at most once in `status_interval`. `io` outlives this.
  ServiceReporter(asio::io_context& io, ServiceNotifier notifier,
                  std::chrono::milliseconds status_interval = std::chrono::seconds(5));
  ~ServiceReporter();
  ServiceReporter(const ServiceReporter&) = delete;
  ServiceReporter& operator=(const ServiceReporter&) = delete;

  // The service serves. Lines and beats begin. A `done` or `alive` that is called after this has gone does
  // nothing.
  void Ready(ServiceSources sources);
  // Something happened that the line may tell. Any thread; cheap; before Ready() it does nothing.
  void Touch();
  // The service ends. Nothing is said after it.
  void Stopping();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tillwire
