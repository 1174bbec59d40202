// Holds captures over the socket back while earlier ones still lie in the spool.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/capture_store.h"
#include "core/result.h"

namespace tillwire {

// What waits in the spool, as far as it decides which captures must wait for it.
class WaitingLanes {
 public:
  void Add(const CaptureInput& input);
  // It was taken, or set aside: the reverse of Add(), in any order.
  void Remove(const CaptureInput& input);
  [[nodiscard]] bool Empty() const { return lanes_.empty() && joining_ == 0; }
  // Whether a capture might come into a lane in which something waits. Which lane an event joins that names a
  // cancellation is known to the outbox alone, unless that cancellation waits here too; so as long as such an
  // event waits every capture counts, and a capture that names a cancellation counts as long as anything
  // waits.
  [[nodiscard]] bool Concern(const CaptureInput& input) const;

 private:
  std::map<std::string, std::size_t> lanes_;  // with the number of files
  std::size_t joining_ = 0;                   // files that name a cancellation
};

// Any thread may call. Begins closed.
class CaptureGate {
 public:
  using Done = std::function<void(Result<Captured>)>;

  // `store` outlives the gate.
  explicit CaptureGate(CaptureStore& store) : store_(store) {}
  CaptureGate(const CaptureGate&) = delete;
  CaptureGate& operator=(const CaptureGate&) = delete;

  // Hands the capture to the store, at once or when nothing waits before it any more.
  void Capture(CaptureInput input, Done done);

  // -- For who empties the spool

  // From now on only captures that these concern are held.
  void HoldLanes(WaitingLanes waiting);
  // These were taken or set aside.
  void Release(const std::vector<CaptureInput>& inputs);
  // Nothing can be taken for now. What is held, and what would be, is refused for this reason until Resume():
  // a caller must not hang as long as a disk is full.
  void Stall(const Error& reason);
  void Resume();
  // Holds nothing any more.
  void Open();
  // Refuses what is held and what comes, since the agent stops.
  void Stop();

  // Whether captures are held, or would be.
  [[nodiscard]] bool Holding() const;

 private:
  struct Held {
    CaptureInput input;
    Done done;
  };

  // With the mutex held: whether it must wait.
  [[nodiscard]] bool MustWait(const CaptureInput& input) const;
  // Changes the state, then hands on what need not wait any more, and refuses what can't.
  void Change(const std::function<void()>& change);

  CaptureStore& store_;
  mutable std::mutex mutex_;
  bool open_ = false;
  std::optional<WaitingLanes> waiting_;  // all captures are held where this is unknown
  std::optional<Error> refusal_;
  std::vector<Held> held_;
};

}  // namespace tillwire
