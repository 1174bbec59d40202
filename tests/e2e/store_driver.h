// The associates of a store: make a day's captures over the socket and the command line, repeat whatever was
// not answered with the same key until it is, and keep their own log of what was acknowledged.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/result.h"
#include "tests/support/capture_client.h"
#include "tests/support/guarantee_check.h"
#include "tests/support/store_day.h"

namespace tillwire {

struct DriverSettings {
  std::filesystem::path socket;
  std::size_t workers = 8;            // captures under way at a time; a lane is one worker's
  std::chrono::microseconds pace{0};  // from one capture's turn to the next's; 0: no waiting
  std::size_t cli_every = 0;          // every so-manieth capture is made by the tillwire command; 0: none
  std::size_t double_tap_every = 0;   // every so-manieth is made twice with the same key; 0: none
  std::chrono::milliseconds attempt_timeout{5'000};
};

class StoreDriver {
 public:
  StoreDriver(DriverSettings settings, std::vector<PlannedCapture> plan);
  // Gives up what is not done.
  ~StoreDriver();
  StoreDriver(const StoreDriver&) = delete;
  StoreDriver& operator=(const StoreDriver&) = delete;

  void Start();
  // Holds back the captures from that place in the plan on, until it is called again. At first none is.
  void AllowUpTo(std::size_t place) { allowed_ = place; }
  // Begins no further capture, and returns when those under way are answered.
  void Finish();
  [[nodiscard]] bool Done() const { return workers_running_ == 0; }

  // -- Any time

  [[nodiscard]] std::size_t Planned() const { return plan_.size(); }
  [[nodiscard]] std::size_t Acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::size_t AcknowledgedByCli() const { return acknowledged_by_cli_; }
  // Attempts that wait for their answer now.
  [[nodiscard]] std::size_t InFlight() const { return in_flight_; }
  // Attempts after which nobody could say whether they were stored.
  [[nodiscard]] std::size_t Unanswered() const { return unanswered_; }
  // Answers that named an earlier capture: double taps, and repeats of what had been stored without an
  // answer.
  [[nodiscard]] std::size_t Repeated() const { return repeated_; }

  // In the order of the acknowledgements.
  [[nodiscard]] std::vector<AcknowledgedCapture> Log() const;
  // What should not have happened, in words: refusals, and repeats that got another event.
  [[nodiscard]] std::vector<std::string> Complaints() const;

 private:
  void Work(std::size_t worker);
  void AwaitTurn(std::size_t place) const;
  void Make(std::size_t place);
  std::optional<CaptureReply> UntilAnswered(const v1::CaptureEventRequest& request, bool by_cli);
  Result<CaptureReply> Attempt(const v1::CaptureEventRequest& request, bool by_cli);
  void DoubleTap(const v1::CaptureEventRequest& request, const std::string& event_id);
  void Complain(const std::string& text);

  const DriverSettings settings_;
  const std::vector<PlannedCapture> plan_;
  std::vector<std::string> event_ids_;  // by place in the plan; each lane's worker writes and reads its own
  CaptureClient client_;
  std::chrono::steady_clock::time_point begin_;
  std::atomic<std::size_t> allowed_ = std::numeric_limits<std::size_t>::max();
  std::atomic<bool> finishing_ = false;
  std::atomic<bool> abandoned_ = false;
  std::atomic<std::size_t> workers_running_ = 0;
  std::atomic<std::size_t> acknowledged_ = 0;
  std::atomic<std::size_t> acknowledged_by_cli_ = 0;
  std::atomic<std::size_t> in_flight_ = 0;
  std::atomic<std::size_t> unanswered_ = 0;
  std::atomic<std::size_t> repeated_ = 0;
  mutable std::mutex mutex_;
  std::vector<AcknowledgedCapture> log_;
  std::vector<std::string> complaints_;
  std::vector<std::thread> threads_;
};

}  // namespace tillwire
