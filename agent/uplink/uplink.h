// The uplink at work: carries out what the machine decides, on one thread, with the real outbox and a
// transport.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "agent/outbox_worker.h"
#include "agent/phase_probe.h"
#include "agent/uplink/transport.h"
#include "agent/uplink/uplink_machine.h"
#include "agent/uplink/uplink_metrics.h"
#include "agent/uplink/uplink_status.h"
#include "core/clock.h"

namespace asio {
class io_context;
}

namespace tillwire {

// Lives on the thread that runs `io`, but for the members that say otherwise. What it is given outlives it.
class Uplink {
 public:
  // Who is told what; each may be empty. Called on the uplink's thread.
  struct Observers {
    std::function<void()> status_changed;  // Status() has something new to say
    std::function<void(const std::vector<Position>&)>
        events_changed;  // the centre judged these, or they are damaged
    PhaseProbe probe;
  };
  // `server` is for people.
  Uplink(asio::io_context& io, OutboxWorker& outbox, Transport& transport, const Clock& clock, Rng& rng,
         UplinkOptions options, std::string server, UplinkMetrics& metrics, Observers observers);
  ~Uplink();
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

  void Start();
  // The network came back: tries soon, if it waits.
  void OnLinkUp();
  // Closes the stream and does nothing more.
  void Stop();

  // Any thread: something was captured, put back into the queue, or given up.
  void NotifyCaptured();
  void NotifyRequeued(Position position);
  void NotifyReleased();
  // The outbox was opened anew: what was read of it counts no more. Connects anew. Any thread.
  void NotifyReopened();
  // Any thread: an operator holds the uplink back, or (without a pause) no longer does. The outbox keeps the
  // pause.
  void NotifyPause(const std::optional<UplinkPause>& pause);
  // Any thread.
  [[nodiscard]] UplinkStatus Status() const;
  // Any thread: what is being done about an event.
  [[nodiscard]] UplinkActivity Describe(Position position) const;

 private:
  class Impl;
  // Shared with callbacks that are under way on the storage thread.
  std::shared_ptr<Impl> impl_;
};

}  // namespace tillwire
