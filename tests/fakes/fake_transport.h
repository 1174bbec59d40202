// The uplink's stream without a network: a test plays the centre.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "agent/uplink/transport.h"

namespace tillwire {

// `centre` is shown each message as it is sent and may answer through Deliver() or End(), at once or later.
// Used on one thread.
class FakeTransport final : public Transport {
 public:
  using Centre = std::function<void(FakeTransport&, const ToCentre&)>;

  explicit FakeTransport(Centre centre) : centre_(std::move(centre)) {}

  void SetListener(TransportListener* listener) override { listener_ = listener; }
  void Open() override {
    open_ = true;
    ++opened_;
    sent_.clear();
  }
  void Send(ToCentre message) override {
    if (!open_) return;
    sent_.push_back(message);
    centre_(*this, message);
  }
  void Close() override { open_ = false; }

  // The centre's side.
  void Deliver(ToAgent message) {
    if (open_ && listener_ != nullptr) listener_->OnMessage(std::move(message));
  }
  void End(StreamEnd end) {
    if (!std::exchange(open_, false) || listener_ == nullptr) return;
    listener_->OnClosed(std::move(end));
  }

  [[nodiscard]] bool IsOpen() const { return open_; }
  // Streams opened so far.
  [[nodiscard]] int Opened() const { return opened_; }
  // What was sent on the present stream.
  [[nodiscard]] const std::vector<ToCentre>& Sent() const { return sent_; }

 private:
  Centre centre_;
  TransportListener* listener_ = nullptr;
  bool open_ = false;
  int opened_ = 0;
  std::vector<ToCentre> sent_;
};

}  // namespace tillwire
