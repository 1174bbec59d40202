#include "tests/e2e/store_driver.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "tests/e2e/capture_by_cli.h"
#include "tests/support/event_facts.h"

namespace tillwire {
namespace {

constexpr std::chrono::milliseconds kPauseBeforeRepeat{20};
constexpr std::chrono::milliseconds kShortestNap{1};
constexpr std::chrono::milliseconds kLongestNap{50};

bool OutcomeOpen(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kUnknown;
}

}  // namespace

StoreDriver::StoreDriver(DriverSettings settings, std::vector<PlannedCapture> plan)
    : settings_(std::move(settings)),
      plan_(std::move(plan)),
      event_ids_(plan_.size()),
      client_(settings_.socket) {}

StoreDriver::~StoreDriver() {
  abandoned_ = true;
  Finish();
}

void StoreDriver::Start() {
  begin_ = std::chrono::steady_clock::now();
  workers_running_ = settings_.workers;
  for (std::size_t worker = 0; worker < settings_.workers; ++worker) {
    threads_.emplace_back([this, worker] { Work(worker); });
  }
}

void StoreDriver::Finish() {
  finishing_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

std::vector<AcknowledgedCapture> StoreDriver::Log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::vector<std::string> StoreDriver::Complaints() const {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

void StoreDriver::Work(std::size_t worker) {
  for (std::size_t place = 0; place < plan_.size(); ++place) {
    if (std::hash<std::string>{}(plan_[place].lane) % settings_.workers != worker) {
      continue;
    }
    AwaitTurn(place);
    if (finishing_) {
      break;
    }
    try {
      Make(place);
    } catch (const std::exception& fault) {
      Complain(fault.what());
    }
  }
  --workers_running_;
}

void StoreDriver::AwaitTurn(std::size_t place) const {
  const auto turn = begin_ + settings_.pace * place;
  while (!finishing_ && (place >= allowed_ || std::chrono::steady_clock::now() < turn)) {
    const auto rest = turn - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(
        std::clamp<std::chrono::steady_clock::duration>(rest, kShortestNap, kLongestNap));
  }
}

void StoreDriver::Make(std::size_t place) {
  const PlannedCapture& planned = plan_[place];
  v1::CaptureEventRequest request = planned.request;
  if (planned.cancellation) {
    FillCancellation(request, event_ids_[*planned.cancellation]);
  }
  const bool by_cli = settings_.cli_every != 0 && place % settings_.cli_every == 0;
  request.set_source(by_cli ? v1::EVENT_SOURCE_CLI : v1::EVENT_SOURCE_GRPC);
  const std::optional<CaptureReply> reply = UntilAnswered(request, by_cli);
  if (!reply) {
    return;
  }
  event_ids_[place] = reply->event_id;
  {
    const std::lock_guard lock(mutex_);
    log_.push_back({reply->event_id, request.idempotency_key(), planned.lane, RequestDigest(request)});
  }
  ++acknowledged_;
  if (by_cli) {
    ++acknowledged_by_cli_;
  } else if (settings_.double_tap_every != 0 && place % settings_.double_tap_every == 0) {
    DoubleTap(request, reply->event_id);
  }
}

std::optional<CaptureReply> StoreDriver::UntilAnswered(const v1::CaptureEventRequest& request, bool by_cli) {
  while (!abandoned_) {
    Result<CaptureReply> reply = Attempt(request, by_cli);
    if (reply) {
      return *reply;
    }
    if (!OutcomeOpen(reply.error())) {
      Complain("key " + request.idempotency_key() + " was refused: " + reply.error().Text());
      return std::nullopt;
    }
    std::this_thread::sleep_for(kPauseBeforeRepeat);
  }
  return std::nullopt;
}

Result<CaptureReply> StoreDriver::Attempt(const v1::CaptureEventRequest& request, bool by_cli) {
  ++in_flight_;
  Result<CaptureReply> reply =
      by_cli ? CaptureByCli(settings_.socket, request) : client_.Capture(request, settings_.attempt_timeout);
  --in_flight_;
  if (!reply && OutcomeOpen(reply.error())) {
    ++unanswered_;
  }
  if (reply && reply->repeated) {
    ++repeated_;
  }
  return reply;
}

void StoreDriver::DoubleTap(const v1::CaptureEventRequest& request, const std::string& event_id) {
  const Result<CaptureReply> again = Attempt(request, false);
  if (again ? again->event_id != event_id || !again->repeated : !OutcomeOpen(again.error())) {
    Complain("a repeat of key " + request.idempotency_key() + " was not answered with the first capture: " +
             (again ? "event " + again->event_id : again.error().Text()));
  }
}

void StoreDriver::Complain(const std::string& text) {
  const std::lock_guard lock(mutex_);
  complaints_.push_back(text);
}

}  // namespace tillwire
