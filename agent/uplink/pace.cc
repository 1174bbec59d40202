#include "agent/uplink/pace.h"

#include <algorithm>

namespace tillwire {

void Pace::Begin(std::size_t max_batch_bytes, std::size_t window_batches) {
  max_batch_bytes_ = max_batch_bytes;
  // Beyond a full window, whose records take more on the way than their events' bytes, it is for the window
  // to decide. Two batches at least: while one is answered, the other is on its way.
  most_ = std::max(2 * max_batch_bytes * std::max<std::size_t>(window_batches, 2), kLeastBytes);
  allowed_ = std::min(kFirstBytes, most_);
  unanswered_.clear();
  unanswered_bytes_ = 0;
  sent_before_change_ = 0;
  on_idle_line_ = BootTime::max();
}

std::size_t Pace::BatchBytes() const {
  return std::min(max_batch_bytes_, allowed_ / 2);
}

bool Pace::HasRoom() const {
  return unanswered_.empty() || unanswered_bytes_ + BatchBytes() <= allowed_;
}

void Pace::OnSent(BootTime now, std::size_t bytes) {
  unanswered_.push_back({now, bytes, unanswered_.empty()});
  unanswered_bytes_ += bytes;
}

void Pace::OnAnswer(BootTime now) {
  const Sent sent = unanswered_.front();
  unanswered_.pop_front();
  unanswered_bytes_ -= sent.bytes;
  const BootTime took = now - sent.at;
  on_idle_line_ = sent.alone ? took : std::min(on_idle_line_, took);
  if (sent_before_change_ > 0) {
    --sent_before_change_;
    return;
  }
  const BootTime waited = took - on_idle_line_;
  if (waited > kLate) {
    // With so little on its way nothing waits for long: the line became longer.
    if (allowed_ <= kLeastBytes) on_idle_line_ = took;
    Allow(std::max(allowed_ / 2, kLeastBytes));
  } else if (waited <= kPrompt && sent.bytes >= BatchBytes() / 2) {
    // A small batch proves nothing of what the line can take.
    Allow(allowed_ * 2);
  }
}

void Pace::Allow(std::size_t bytes) {
  const std::size_t before = allowed_;
  allowed_ = std::min(bytes, most_);
  if (allowed_ != before) sent_before_change_ = unanswered_.size();
}

}  // namespace tillwire
