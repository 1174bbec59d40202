// How much the uplink has on its way at a time, so that a slow line is kept busy but not stuffed.
#pragma once

#include <cstddef>
#include <deque>

#include "core/clock.h"

namespace tillwire {

// What waits in front of a slow line delays everything behind it: a full window of the usual size takes
// minutes at 50 kbit/s, in which no answer comes and the probe of the connection (keepalive) is not answered
// in time, so that the connection would be given up and all of it sent again, for ever. So a stream begins
// with little, and is given twice as much when an answer to a batch comes promptly, half as much when it
// comes late. Promptly and late are meant beyond what an answer takes on an idle line: a long line is not a
// slow one.
//
// Pure: used by one thread. Answers come in the order of the batches.
class Pace {
 public:
  static constexpr std::size_t kFirstBytes = 8 * 1024;
  static constexpr std::size_t kLeastBytes = 4 * 1024;
  // Of waiting behind what was sent before. Late is well below the 10 s that a probe is given.
  static constexpr std::chrono::milliseconds kPrompt{1000};
  static constexpr std::chrono::milliseconds kLate{4000};

  // A new stream, whose batches may have so many bytes, and so many of them be unanswered.
  void Begin(std::size_t max_batch_bytes, std::size_t window_batches);
  // How many bytes the next batch may have. A single event may have more.
  [[nodiscard]] std::size_t BatchBytes() const;
  // Whether another batch may go now.
  [[nodiscard]] bool HasRoom() const;
  void OnSent(BootTime now, std::size_t bytes);
  // The answer to the oldest batch that has none came.
  void OnAnswer(BootTime now);

 private:
  struct Sent {
    BootTime at;
    std::size_t bytes;
    bool alone;  // nothing else was on its way
  };

  void Allow(std::size_t bytes);

  std::size_t max_batch_bytes_ = 0;
  std::size_t most_ = 0;
  std::size_t allowed_ = 0;  // unanswered bytes
  std::deque<Sent> unanswered_;
  std::size_t unanswered_bytes_ = 0;
  std::size_t sent_before_change_ = 0;  // of those unanswered; they say nothing of what is allowed now
  BootTime on_idle_line_ = BootTime::max();
};

}  // namespace tillwire
