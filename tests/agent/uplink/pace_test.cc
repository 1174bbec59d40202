#include "agent/uplink/pace.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <deque>

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchBytes = 256 * 1024;
constexpr std::size_t kWindow = 4;

// A line with a backlog behind it: batches go out as far as the pace allows, and are answered one after the
// other.
class Line {
 public:
  Line(std::int64_t bytes_per_second, BootTime round_trip)
      : bytes_per_second_(bytes_per_second), round_trip_(round_trip) {
    pace.Begin(kBatchBytes, kWindow);
  }

  // Until so many more answers have come. Returns the longest time that one took.
  BootTime Run(int answers) {
    BootTime longest{0};
    for (int i = 0; i < answers; ++i) {
      while (unanswered_.size() < kWindow && pace.HasRoom()) Send();
      const Sent sent = unanswered_.front();
      unanswered_.pop_front();
      now_ = sent.answered;
      longest = std::max(longest, now_ - sent.at);
      pace.OnAnswer(now_);
    }
    return longest;
  }
  void BecomeLonger(BootTime round_trip) { round_trip_ = round_trip; }

  Pace pace;

 private:
  struct Sent {
    BootTime at;
    BootTime answered;
  };

  void Send() {
    const auto bytes = static_cast<std::int64_t>(pace.BatchBytes());
    free_at_ = std::max(free_at_, now_) + BootTime(bytes * 1'000'000 / bytes_per_second_);
    unanswered_.push_back({now_, free_at_ + round_trip_});
    pace.OnSent(now_, pace.BatchBytes());
  }

  const std::int64_t bytes_per_second_;
  BootTime round_trip_;
  BootTime now_{0};
  BootTime free_at_{0};
  std::deque<Sent> unanswered_;
};

TEST_CASE("pace: a quick line is used in full after a few answers") {
  Line line(100'000'000, 5ms);
  CHECK(line.pace.BatchBytes() == Pace::kFirstBytes / 2);
  line.Run(20);
  CHECK(line.pace.BatchBytes() == kBatchBytes);
}

TEST_CASE("pace: a long line is not taken for a slow one, also where it became long") {
  Line line(100'000'000, 4s);
  line.Run(30);
  CHECK(line.pace.BatchBytes() == kBatchBytes);
  line.BecomeLonger(9s);
  line.Run(100);
  CHECK(line.pace.BatchBytes() == kBatchBytes);
}

TEST_CASE("pace: on a slow line no answer is late enough to be taken for a dead connection") {
  const std::int64_t bytes_per_second = GENERATE(2'400, 6'250, 50'000);
  CAPTURE(bytes_per_second);
  Line line(bytes_per_second, 500ms);
  CHECK(line.Run(500) < 10s);
}

TEST_CASE("pace: small batches on an idle line do not open it for a flood") {
  Pace pace;
  pace.Begin(kBatchBytes, kWindow);
  BootTime now{0};
  for (int i = 0; i < 100; ++i) {
    pace.OnSent(now, 300);
    pace.OnAnswer(now += 200ms);
  }
  CHECK(pace.BatchBytes() == Pace::kFirstBytes / 2);
}

TEST_CASE("pace: there is always room for one batch, and a new stream begins with little again") {
  Pace pace;
  pace.Begin(kBatchBytes, 1);
  BootTime now{0};
  for (int i = 0; i < 30; ++i) {
    pace.OnSent(now, kBatchBytes);
    pace.OnAnswer(now += 1ms);
  }
  CHECK(pace.BatchBytes() == kBatchBytes);
  pace.OnSent(now, 4 * kBatchBytes);
  CHECK_FALSE(pace.HasRoom());
  pace.OnAnswer(now += 1ms);
  CHECK(pace.HasRoom());
  pace.Begin(kBatchBytes, 1);
  CHECK(pace.BatchBytes() == Pace::kFirstBytes / 2);
}

}  // namespace
}  // namespace tillwire
