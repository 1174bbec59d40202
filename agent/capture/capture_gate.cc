#include "agent/capture/capture_gate.h"

#include <utility>

namespace tillwire {

void WaitingLanes::Add(const CaptureInput& input) {
  ++lanes_[input.lane];
  if (input.joins_lane_of) ++joining_;
}

void WaitingLanes::Remove(const CaptureInput& input) {
  const auto lane = lanes_.find(input.lane);
  if (lane == lanes_.end()) return;
  if (--lane->second == 0) lanes_.erase(lane);
  if (input.joins_lane_of && joining_ > 0) --joining_;
}

bool WaitingLanes::Concern(const CaptureInput& input) const {
  if (joining_ > 0) return true;
  if (input.joins_lane_of) return !lanes_.empty();
  return lanes_.contains(input.lane);
}

bool CaptureGate::MustWait(const CaptureInput& input) const {
  return !open_ && (!waiting_ || waiting_->Concern(input));
}

void CaptureGate::Capture(CaptureInput input, Done done) {
  std::optional<Error> refusal;
  {
    const std::lock_guard lock(mutex_);
    if (MustWait(input)) {
      if (!refusal_) {
        held_.push_back({std::move(input), std::move(done)});
        return;
      }
      refusal = refusal_;
    }
  }
  if (refusal) return done(*refusal);
  store_.Capture(std::move(input), std::move(done));
}

void CaptureGate::Change(const std::function<void()>& change) {
  std::vector<Held> go;
  std::vector<Held> refused;
  std::optional<Error> refusal;
  {
    const std::lock_guard lock(mutex_);
    change();
    refusal = refusal_;
    std::vector<Held> stay;
    for (auto& held : held_) {
      auto& where = !MustWait(held.input) ? go : refusal ? refused : stay;
      where.push_back(std::move(held));
    }
    held_ = std::move(stay);
  }
  // Outside of the lock, since both call back. A capture that comes now may overtake these: whoever cares for
  // the order of two captures waits for the first one's answer.
  for (auto& held : go) store_.Capture(std::move(held.input), std::move(held.done));
  for (auto& held : refused) held.done(*refusal);
}

void CaptureGate::HoldLanes(WaitingLanes waiting) {
  Change([&] { waiting_ = std::move(waiting); });
}

void CaptureGate::Release(const std::vector<CaptureInput>& inputs) {
  Change([&] {
    if (!waiting_) return;
    for (const auto& input : inputs) waiting_->Remove(input);
  });
}

void CaptureGate::Stall(const Error& reason) {
  Change([&] {
    refusal_ =
        Error{reason.code, "earlier events wait in the spool, which can't be taken now: " + reason.message,
              reason.hint};
  });
}

void CaptureGate::Resume() {
  Change([&] { refusal_.reset(); });
}

void CaptureGate::Open() {
  Change([&] { open_ = true; });
}

void CaptureGate::Stop() {
  Change([&] {
    if (!open_) refusal_ = Error{ErrorCode::kUnavailable, "the agent is stopping", "try again when it runs"};
  });
}

bool CaptureGate::Holding() const {
  const std::lock_guard lock(mutex_);
  return !open_;
}

}  // namespace tillwire
