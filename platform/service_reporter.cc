#include "platform/service_reporter.h"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <utility>

namespace tillwire {

class ServiceReporter::Impl final : public std::enable_shared_from_this<ServiceReporter::Impl> {
 public:
  Impl(asio::io_context& io, ServiceNotifier notifier, std::chrono::milliseconds status_interval)
      : io_(io),
        notifier_(std::move(notifier)),
        status_interval_(status_interval),
        status_timer_(io),
        watchdog_timer_(io) {}

  void Ready(ServiceSources sources) {
    if (!notifier_.Active()) return;
    sources_ = std::move(sources);
    notifier_.Ready();
    ready_ = true;
    Touch();
    if (notifier_.Watchdog()) Probe();
  }

  void Touch() {
    // One notice in flight is enough: what it leads to tells the newest.
    if (!ready_ || touched_.exchange(true)) return;
    asio::post(io_, [self = shared_from_this()] { self->Describe(); });
  }

  void Stopping() {
    if (stopped_) return;
    stopped_ = true;
    status_timer_.cancel();
    watchdog_timer_.cancel();
    notifier_.Stopping();
  }

  void Stop() {
    stopped_ = true;
    status_timer_.cancel();
    watchdog_timer_.cancel();
  }

 private:
  void Describe() {
    if (stopped_) return;
    touched_ = false;
    asked_again_ = true;
    if (waiting_) return;
    waiting_ = true;
    asked_again_ = false;
    sources_.describe([self = shared_from_this()](std::string line) {
      asio::post(self->io_, [self, line = std::move(line)] { self->Tell(line); });
    });
  }

  void Tell(const std::string& line) {
    if (stopped_) return;
    if (line != told_) notifier_.Status(line);
    told_ = line;
    // What happens until then is told in one go.
    status_timer_.expires_after(status_interval_);
    status_timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (error || self->stopped_) return;
      self->waiting_ = false;
      if (self->asked_again_) self->Describe();
    });
  }

  // Half of the manager's time after each beat, so that one may be late.
  void Probe() {
    sources_.prove_alive([self = shared_from_this()] {
      asio::post(self->io_, [self] {
        if (self->stopped_) return;
        self->notifier_.Beat();
        self->ArmWatchdog();
      });
    });
  }

  void ArmWatchdog() {
    watchdog_timer_.expires_after(*notifier_.Watchdog() / 2);
    watchdog_timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (!error && !self->stopped_) self->Probe();
    });
  }

  asio::io_context& io_;
  const ServiceNotifier notifier_;
  const std::chrono::milliseconds status_interval_;
  ServiceSources sources_;
  asio::steady_timer status_timer_;
  asio::steady_timer watchdog_timer_;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> touched_ = false;
  bool waiting_ = false;      // for a line, or for its interval to pass
  bool asked_again_ = false;  // meanwhile something happened
  std::string told_;
  bool stopped_ = false;
};

ServiceReporter::ServiceReporter(asio::io_context& io, ServiceNotifier notifier,
                                 std::chrono::milliseconds status_interval)
    : impl_(std::make_shared<Impl>(io, std::move(notifier), status_interval)) {}

ServiceReporter::~ServiceReporter() {
  impl_->Stop();
}

void ServiceReporter::Ready(ServiceSources sources) {
  impl_->Ready(std::move(sources));
}
void ServiceReporter::Touch() {
  impl_->Touch();
}
void ServiceReporter::Stopping() {
  impl_->Stopping();
}

}  // namespace tillwire
