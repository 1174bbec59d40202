// The uplink's logic: when to connect, what to send, what an answer means. Pure: time and events come in,
// actions come out; it knows no thread, no socket, no file. docs/wire-protocol.md has the rules.
//
// One stream at a time. Each begins with what the outbox holds (Hello) and what the centre has (Welcome),
// from which the outbox works out what is pending. Then two cursors read pending records: `backlog` sweeps
// from the oldest, `fresh` follows new captures, in turn, so that a new cancellation does not wait behind an
// old queue. A record goes out only if its lane predecessor is resolved, or was sent before it on this
// stream; else it is passed over. Nothing needs to remember what was passed over: the first record of a lane
// that did not go is ahead of the backlog cursor, or deferred, or parked, and each of these is taken up again
// by a sweep that begins at it and so comes past the rest of its lane.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "agent/uplink/backoff.h"
#include "agent/uplink/pace.h"
#include "agent/uplink/transport.h"
#include "core/clock.h"
#include "core/result.h"
#include "core/rng.h"
#include "core/uuid.h"
#include "core/write_back.h"
#include "storage/outbox.h"

namespace tillwire {

struct UplinkOptions {
  std::string store_id;
  std::string terminal_id;
  std::string agent_version;
  Uuid instance_id;  // random for each start of the process
  StreamLimits limits;
  std::chrono::milliseconds backoff_base{1000};
  std::chrono::milliseconds backoff_cap{120'000};
  std::chrono::milliseconds answer_timeout{120'000};  // of silence while something is unanswered
};

// What the machine wants done. Each request to the outbox is answered by the input of the same name.
namespace uplink_action {
struct ReadHistory {};
struct OpenStream {};
struct CloseStream {};
struct Send {
  ToCentre message;
};
struct ApplyWelcome {
  Welcome welcome;
};
struct ReadPending {
  Position after;
  std::size_t max_records;
  std::size_t max_bytes;
};
struct ApplyOutcomes {
  std::vector<EventOutcome> outcomes;
};
struct MoveSuffix {
  std::uint64_t epoch;
  std::string why;
};
struct StartEpoch {
  std::string why;
};
struct ReadLostRanges {
  std::size_t limit;
};
struct MarkAnnounced {
  std::vector<std::int64_t> rows;  // the centre knows
  std::vector<std::int64_t> safe;  // the centre has the events themselves
};
struct Maintain {
  WallTime server_time;
};
struct ReadDigest {};
}  // namespace uplink_action

using UplinkAction =
    std::variant<uplink_action::ReadHistory, uplink_action::OpenStream, uplink_action::CloseStream,
                 uplink_action::Send, uplink_action::ApplyWelcome, uplink_action::ReadPending,
                 uplink_action::ApplyOutcomes, uplink_action::MoveSuffix, uplink_action::StartEpoch,
                 uplink_action::ReadLostRanges, uplink_action::MarkAnnounced, uplink_action::Maintain,
                 uplink_action::ReadDigest>;
using UplinkActions = std::vector<UplinkAction>;

// Used by one thread. Every input returns what to do, in order; afterwards NextWakeup() may have changed.
class UplinkMachine {
 public:
  enum class State {
    kWaiting,      // until the next attempt
    kReading,      // the outbox is asked for its history
    kGreeting,     // Hello is sent, Welcome is awaited
    kReconciling,  // the outbox works through Welcome
    kStreaming,
    kForking,  // the outbox moves a forked history
  };

  // Records that wait for their time, at most; beyond it nothing more is sent until the first of them is due.
  static constexpr std::size_t kMaxDeferred = 4096;
  // A digest that says nothing new is sent once in so many intervals.
  static constexpr int kDigestsLeftOut = 15;

  UplinkMachine(UplinkOptions options, Rng& rng);

  // With `held_until`, a pause that an earlier run began goes on.
  UplinkActions Start(BootTime now, std::optional<BootTime> held_until = std::nullopt);
  UplinkActions OnTick(BootTime now);
  // The network came back: try soon, also in place of a connection that was made before and may be dead, with
  // the address that it was made from.
  UplinkActions OnLinkUp(BootTime now);

  // From the transport.
  UplinkActions OnMessage(BootTime now, ToAgent message);
  UplinkActions OnClosed(BootTime now, const StreamEnd& end);

  // From the outbox.
  UplinkActions OnHistory(BootTime now, std::vector<EpochSummary> epochs);
  UplinkActions OnWelcomeApplied(BootTime now, Position last_position);
  UplinkActions OnLostRanges(BootTime now, const Outbox::Unannounced& unannounced);
  UplinkActions OnPage(BootTime now, PendingPage page);
  UplinkActions OnOutcomesApplied(BootTime now, const std::vector<EventOutcome>& outcomes);
  UplinkActions OnMoved(BootTime now);
  UplinkActions OnMaintained(BootTime now, const Upkeep& upkeep);
  UplinkActions OnDigest(BootTime now, Digest digest);
  UplinkActions OnStorageFailed(BootTime now, const Error& error);
  // It was opened anew after its disk failed: what was read of it counts no more.
  UplinkActions OnReopened(BootTime now);

  // From capture and from people.
  UplinkActions OnCaptured(BootTime now, Position last_position);
  // A capture was refused because the outbox is full.
  UplinkActions OnRoomWanted(BootTime now);
  UplinkActions OnRequeued(BootTime now, Position position);
  // Something was given up: its tombstone is to be announced.
  UplinkActions OnReleased(BootTime now);
  // An operator holds the uplink back: the stream ends, and no other begins until then, or until OnResumed().
  UplinkActions OnPaused(BootTime now, BootTime until);
  UplinkActions OnResumed(BootTime now);

  // When OnTick() is due; nothing if only an event can change anything.
  [[nodiscard]] std::optional<BootTime> NextWakeup() const;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint32_t failed_attempts() const { return failed_attempts_; }
  [[nodiscard]] bool PushedBack(BootTime now) const { return paused_until_ && *paused_until_ > now; }
  // Whether an operator holds it back.
  [[nodiscard]] bool Held(BootTime now) const { return held_until_ && *held_until_ > now; }
  // Whether the event is on its way, and when it is to be sent again, where the centre asked for that.
  [[nodiscard]] bool InFlight(Position position) const { return OnItsWay(position); }
  [[nodiscard]] std::optional<BootTime> RetryAt(Position position) const;
  // The last failure since the last Welcome.
  [[nodiscard]] const std::optional<StreamEnd>& last_failure() const { return last_failure_; }
  // When it goes on, while it waits or is pushed back.
  [[nodiscard]] std::optional<BootTime> next_attempt() const;

 private:
  enum class Cursor { kBacklog, kFresh };
  struct Flight {
    std::optional<Position> awaits;  // its predecessor, where that was not resolved when it was sent
    bool parked = false;             // the centre has answered so, and the outbox has not noted it yet
  };
  struct Unanswered {
    std::uint64_t batch_id;
    BootTime sent_at;
    std::uint64_t epoch;              // of an EventBatch
    std::vector<Position> positions;  // likewise
    std::vector<LostRange> lost;      // of Tombstones
  };

  void Attempt(UplinkActions& actions);
  [[nodiscard]] static StreamEnd Nonsense(const std::string& what);
  void EndStream(BootTime now, const StreamEnd& end, UplinkActions& actions);
  void AwaitPauses();
  void ResetStream();
  void Pump(BootTime now, UplinkActions& actions);
  [[nodiscard]] bool MayGo(const PendingRecord& record) const;
  [[nodiscard]] bool OnItsWay(Position position) const;
  void SweepFrom(Position position);
  void OnBatchResult(BootTime now, const BatchResult& result, UplinkActions& actions);
  void OnTombstoneResults(const Unanswered& sent, const BatchResult& result, UplinkActions& actions);
  // The centre has another record where this side has one of its own: the histories are moved apart.
  void Fork(std::uint64_t epoch, std::uint64_t sequence, const std::string& detail, UplinkActions& actions);
  void TakeResult(BootTime now, Position position, const RecordResult& result,
                  std::vector<EventOutcome>& outcomes);
  [[nodiscard]] std::optional<BootTime> AnswerDue() const;
  void MaintainSoon(BootTime now);
  [[nodiscard]] BootTime RoomWelcomeDue() const;
  // A new connection in place of this one, which is not known to be broken.
  void Renew(BootTime now, UplinkActions& actions);
  [[nodiscard]] WallTime ServerTime(BootTime now) const;
  [[nodiscard]] BootTime DigestInterval() const;

  const UplinkOptions options_;
  Rng& rng_;
  Backoff backoff_;
  State state_ = State::kWaiting;
  std::uint64_t generation_ = 0;
  std::uint32_t failed_attempts_ = 0;
  std::optional<StreamEnd> last_failure_;
  BootTime opened_at_{0};                 // the present stream, or the last
  std::optional<BootTime> attempt_at_;    // in kWaiting
  std::optional<BootTime> answer_by_;     // in kGreeting
  std::optional<BootTime> open_by_;       // in kGreeting: the link changed since it began
  std::optional<BootTime> paused_until_;  // pushed back by the server
  std::optional<BootTime> held_until_;    // held back by an operator
  std::optional<BootTime> maintain_at_;
  BootTime maintained_at_{0};

  // Of the present stream.
  std::optional<BootTime> greet_again_at_;
  bool losses_to_announce_ = false;    // there may be lost ranges that the centre does not know
  bool reading_losses_ = false;        // they have been asked for
  bool losses_held_ = false;           // some wait for their lane
  std::optional<BootTime> digest_at_;  // where the centre takes digests and none is being read
  std::optional<Digest> last_digest_;  // that was sent
  BootTime last_digest_at_{0};
  StreamLimits limits_;
  std::uint64_t open_epoch_ = 0;
  WallTime welcome_server_time_;
  BootTime welcome_at_{0};
  BootTime greeting_took_{0};
  std::chrono::milliseconds room_welcome_wait_;  // how long to wait before a Welcome is asked for room again
  bool nearly_full_ = false;                     // as of the last upkeep
  std::uint64_t next_batch_id_ = 1;
  std::deque<Unanswered> unanswered_;
  Pace pace_;
  BootTime last_answer_at_{0};
  std::unordered_map<Position, Flight> in_flight_;  // sent, or answered and not yet noted
  std::optional<Cursor> reading_;                   // a page has been asked for
  bool sweep_restarted_ = false;  // the backlog cursor went back while a page was being read
  bool fresh_turn_ = true;
  Position backlog_ = 0;
  bool backlog_done_ = false;
  Position fresh_ = 0;
  Position last_position_ = 0;
  std::map<Position, BootTime> deferred_;
};

}  // namespace tillwire
