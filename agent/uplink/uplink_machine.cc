#include "agent/uplink/uplink_machine.h"

#include <algorithm>
#include <utility>

namespace tillwire {
namespace {

namespace act = uplink_action;

constexpr std::chrono::minutes kMaintainEvery{1};
constexpr std::chrono::hours kGreetAgainEvery{24};       // what may be pruned is told in each Welcome
constexpr std::chrono::milliseconds kMaintainStep{200};  // between two steps of a long pruning
// Where the outbox is nearly full, a Welcome is asked for as soon as this after the last one. The time
// doubles as long as that lets nothing be pruned, and is at least ten times what greeting takes; up to
// kMaintainEvery.
constexpr std::chrono::milliseconds kRoomWelcomeWait{500};
constexpr int kGreetingShare = 10;
constexpr std::chrono::seconds kMaxPushback{600};
constexpr std::chrono::milliseconds kLeastDigestInterval{200};  // whatever the centre says
constexpr std::chrono::hours kMostDigestInterval{1};
constexpr std::size_t kMaxTombstonesAtOnce = 256;
constexpr std::size_t kRecordOverheadBytes = 256;  // hashes, lane, predecessor
// The kernel announces a link's return piece by piece, an address of IPv6 two seconds after the interface: a
// stream that is younger was made since. One that is still being opened may have lost its first packet to a
// link that was not ready.
constexpr std::chrono::seconds kLinkSettles{4};
constexpr std::chrono::seconds kOpensWithin{1};

// Whether it says anything that the other does not. Age, clock, uptime and room change by themselves.
bool SaysTheSame(const Digest& one, const Digest& other) {
  return one.epochs == other.epochs && one.spool_waiting == other.spool_waiting &&
         one.spool_bad == other.spool_bad && one.clock_synchronized == other.clock_synchronized;
}

}  // namespace

UplinkMachine::UplinkMachine(UplinkOptions options, Rng& rng)
    : options_(std::move(options)),
      rng_(rng),
      backoff_(options_.backoff_base, options_.backoff_cap),
      limits_(options_.limits),
      room_welcome_wait_(kRoomWelcomeWait) {}

UplinkActions UplinkMachine::Start(BootTime now, std::optional<BootTime> held_until) {
  if (held_until && *held_until > now) return OnPaused(now, *held_until);
  UplinkActions actions;
  Attempt(actions);
  return actions;
}

void UplinkMachine::Attempt(UplinkActions& actions) {
  ResetStream();
  state_ = State::kReading;
  actions.emplace_back(act::ReadHistory{});
}

void UplinkMachine::ResetStream() {
  attempt_at_.reset();
  answer_by_.reset();
  open_by_.reset();
  maintain_at_.reset();
  limits_ = options_.limits;
  unanswered_.clear();
  in_flight_.clear();
  reading_.reset();
  sweep_restarted_ = false;
  backlog_ = 0;
  backlog_done_ = false;
  losses_to_announce_ = false;
  reading_losses_ = false;
  losses_held_ = false;
  greet_again_at_.reset();
  digest_at_.reset();
  last_digest_.reset();
  deferred_.clear();
}

void UplinkMachine::EndStream(BootTime now, const StreamEnd& end, UplinkActions& actions) {
  actions.emplace_back(act::CloseStream{});
  ResetStream();
  state_ = State::kWaiting;
  last_failure_ = end;
  ++failed_attempts_;
  if (end.kind == UplinkProblem::kRefused) backoff_.JumpToCap();
  attempt_at_ = now + backoff_.Next(rng_);
  AwaitPauses();
}

StreamEnd UplinkMachine::Nonsense(const std::string& what) {
  return {UplinkProblem::kBroken, "the server answered against the protocol: " + what,
          "check that agent and server are of versions that go together"};
}

// No attempt before the server and the operator allow it.
void UplinkMachine::AwaitPauses() {
  for (const auto& until : {paused_until_, held_until_}) {
    if (until) attempt_at_ = std::max(attempt_at_.value(), *until);
  }
}

UplinkActions UplinkMachine::OnHistory(BootTime now, std::vector<EpochSummary> epochs) {
  UplinkActions actions;
  if (state_ != State::kReading) return actions;
  state_ = State::kGreeting;
  opened_at_ = now;
  answer_by_ = now + options_.answer_timeout;
  open_epoch_ = epochs.empty() ? 0 : epochs.back().epoch;
  ++generation_;
  actions.emplace_back(act::OpenStream{});
  actions.emplace_back(act::Send{Hello{options_.store_id, options_.terminal_id, options_.instance_id,
                                       generation_, std::move(epochs), options_.agent_version}});
  return actions;
}

UplinkActions UplinkMachine::OnMessage(BootTime now, ToAgent message) {
  UplinkActions actions;
  if (auto* welcome = std::get_if<Welcome>(&message)) {
    if (state_ != State::kGreeting) {
      EndStream(now, Nonsense("a Welcome that nobody asked for"), actions);
      return actions;
    }
    state_ = State::kReconciling;
    answer_by_.reset();
    open_by_.reset();
    paused_until_.reset();
    welcome_server_time_ = welcome->server_time;
    welcome_at_ = now;
    greeting_took_ = now - opened_at_;
    const auto lower = [](std::uint32_t ours, std::uint32_t theirs) {
      return theirs == 0 ? ours : std::min(ours, theirs);
    };
    limits_.max_batch_records = lower(options_.limits.max_batch_records, welcome->limits.max_batch_records);
    limits_.max_batch_bytes = lower(options_.limits.max_batch_bytes, welcome->limits.max_batch_bytes);
    limits_.window_batches = lower(options_.limits.window_batches, welcome->limits.window_batches);
    limits_.digest_interval = welcome->limits.digest_interval;
    pace_.Begin(limits_.max_batch_bytes, limits_.window_batches);
    actions.emplace_back(act::ApplyWelcome{std::move(*welcome)});
  } else if (const auto* result = std::get_if<BatchResult>(&message)) {
    OnBatchResult(now, *result, actions);
  } else if (const auto* start = std::get_if<StartNewEpoch>(&message)) {
    if (start->forked_epoch == open_epoch_) {
      open_epoch_ = 0;  // once
      actions.emplace_back(act::StartEpoch{"the centre has a later history of this epoch, from sequence " +
                                           std::to_string(start->fork_sequence) +
                                           " on: this outbox is an older copy, or has a twin"});
    }
  } else if (const auto* pushback = std::get_if<Pushback>(&message)) {
    paused_until_ = now + std::min<BootTime>(pushback->retry_after, kMaxPushback);
  }
  return actions;
}

UplinkActions UplinkMachine::OnClosed(BootTime now, const StreamEnd& end) {
  UplinkActions actions;
  if (state_ == State::kWaiting || state_ == State::kReading || state_ == State::kForking) return actions;
  EndStream(now, end, actions);
  return actions;
}

UplinkActions UplinkMachine::OnWelcomeApplied(BootTime now, Position last_position) {
  UplinkActions actions;
  if (state_ != State::kReconciling) return actions;
  state_ = State::kStreaming;
  last_failure_.reset();
  failed_attempts_ = 0;
  last_position_ = std::max(last_position_, last_position);
  fresh_ = last_position_;
  maintain_at_ = now;
  greet_again_at_ = now + kGreetAgainEvery;
  losses_to_announce_ = true;
  if (limits_.digest_interval.count() > 0) digest_at_ = now;
  Pump(now, actions);
  return actions;
}

UplinkActions UplinkMachine::OnLostRanges(BootTime now, const Outbox::Unannounced& unannounced) {
  UplinkActions actions;
  if (state_ != State::kStreaming || !std::exchange(reading_losses_, false)) return actions;
  losses_held_ = unannounced.held;
  if (unannounced.ranges.empty()) {
    Pump(now, actions);
    return actions;
  }
  Tombstones message{next_batch_id_++, {}};
  Unanswered sent{message.batch_id, now, 0, {}, {}};
  for (const LostRange& range : unannounced.ranges) {
    message.tombstones.push_back(range.tombstone);
    sent.lost.push_back(range);
  }
  unanswered_.push_back(std::move(sent));
  actions.emplace_back(act::Send{std::move(message)});
  return actions;
}

// Asks for what comes next, lost ranges before records, as far as the window has room for what is being read
// and sent.
void UplinkMachine::Pump(BootTime now, UplinkActions& actions) {
  if (state_ != State::kStreaming || PushedBack(now)) return;
  if (greet_again_at_ && *greet_again_at_ <= now) return;  // as soon as all is answered
  const std::size_t taken = unanswered_.size() + (reading_ ? 1 : 0) + (reading_losses_ ? 1 : 0);
  std::size_t room = limits_.window_batches - std::min<std::size_t>(taken, limits_.window_batches);
  if (room > 0 && losses_to_announce_ && !reading_losses_) {
    losses_to_announce_ = false;
    reading_losses_ = true;
    --room;
    actions.emplace_back(
        act::ReadLostRanges{std::min<std::size_t>(limits_.max_batch_records, kMaxTombstonesAtOnce)});
  }
  if (room == 0 || reading_ || deferred_.size() >= kMaxDeferred || !pace_.HasRoom()) return;
  const bool has_fresh = last_position_ > fresh_;
  if (!has_fresh && backlog_done_) return;
  reading_ = has_fresh && (fresh_turn_ || backlog_done_) ? Cursor::kFresh : Cursor::kBacklog;
  fresh_turn_ = *reading_ == Cursor::kBacklog;
  sweep_restarted_ = false;
  const Position after = *reading_ == Cursor::kFresh ? fresh_ : backlog_;
  actions.emplace_back(act::ReadPending{after, limits_.max_batch_records, pace_.BatchBytes()});
}

bool UplinkMachine::MayGo(const PendingRecord& record) const {
  return !record.awaits || OnItsWay(*record.awaits);
}

// Whether the centre may accept it soon.
bool UplinkMachine::OnItsWay(Position position) const {
  const auto flight = in_flight_.find(position);
  return flight != in_flight_.end() && !flight->second.parked;
}

void UplinkMachine::SweepFrom(Position position) {
  backlog_ = std::min(backlog_, position - 1);
  backlog_done_ = false;
  sweep_restarted_ = true;
}

UplinkActions UplinkMachine::OnPage(BootTime now, PendingPage page) {
  UplinkActions actions;
  if (state_ != State::kStreaming || !reading_) return actions;
  const Cursor cursor = *std::exchange(reading_, std::nullopt);

  EventBatch batch;
  Unanswered sent{next_batch_id_, now, 0, {}, {}};
  std::size_t bytes = 0;
  Position through = page.scanned_through;
  bool at_end = page.at_end;
  for (PendingRecord& pending : page.records) {
    if (!batch.records.empty() && pending.record.id.epoch != batch.epoch) {
      through = pending.position - 1;  // a batch is of one epoch: the rest is read again
      at_end = false;
      break;
    }
    if (in_flight_.contains(pending.position) || deferred_.contains(pending.position)) continue;
    if (!MayGo(pending)) continue;
    batch.epoch = pending.record.id.epoch;
    in_flight_.emplace(pending.position, Flight{pending.awaits, false});
    sent.positions.push_back(pending.position);
    bytes += pending.record.event.size() + kRecordOverheadBytes;
    batch.records.push_back(std::move(pending.record));
  }

  if (cursor == Cursor::kFresh) {
    fresh_ = std::max(fresh_, through);
  } else if (!sweep_restarted_) {
    backlog_ = through;
    backlog_done_ = at_end;
    fresh_ = std::max(fresh_, backlog_);
  }
  if (!batch.records.empty()) {
    batch.batch_id = next_batch_id_++;
    sent.epoch = batch.epoch;
    pace_.OnSent(now, bytes);
    unanswered_.push_back(std::move(sent));
    actions.emplace_back(act::Send{std::move(batch)});
  }
  if (!page.damaged.empty()) losses_to_announce_ = true;
  Pump(now, actions);
  return actions;
}

UplinkActions UplinkMachine::OnMoved(BootTime now) {
  UplinkActions actions;
  if (state_ != State::kForking) return actions;
  state_ = State::kWaiting;
  attempt_at_ = now + backoff_.Next(rng_);
  AwaitPauses();
  return actions;
}

UplinkActions UplinkMachine::OnMaintained(BootTime now, const Upkeep& upkeep) {
  maintained_at_ = now;
  nearly_full_ = upkeep.nearly_full;
  if (upkeep.pruned || !nearly_full_) room_welcome_wait_ = kRoomWelcomeWait;
  if (state_ != State::kStreaming) return {};
  maintain_at_ = now + (upkeep.more ? BootTime(kMaintainStep) : BootTime(kMaintainEvery));
  if (!upkeep.wants_welcome || upkeep.more) return {};
  // Not at once after a Welcome: it has just said what there is to say.
  greet_again_at_ = std::min(greet_again_at_.value_or(BootTime::max()), RoomWelcomeDue());
  return {};
}

// The last one that was sent stands at the centre: an idle terminal repeats it seldom.
UplinkActions UplinkMachine::OnDigest(BootTime now, Digest digest) {
  UplinkActions actions;
  if (state_ != State::kStreaming || limits_.digest_interval.count() == 0) return actions;
  digest_at_ = now + DigestInterval();
  const bool old = now - last_digest_at_ >= kDigestsLeftOut * DigestInterval();
  if (last_digest_ && !old && SaysTheSame(*last_digest_, digest)) return actions;
  last_digest_ = digest;
  last_digest_at_ = now;
  actions.emplace_back(act::Send{std::move(digest)});
  return actions;
}

BootTime UplinkMachine::RoomWelcomeDue() const {
  const auto wait = std::max<BootTime>(room_welcome_wait_, kGreetingShare * greeting_took_);
  return welcome_at_ + std::min<BootTime>(wait, kMaintainEvery);
}

void UplinkMachine::MaintainSoon(BootTime now) {
  if (!maintain_at_) return;  // it is being done, or there is no stream
  maintain_at_ = std::min(*maintain_at_, std::max(now, maintained_at_ + BootTime(kMaintainStep)));
}

UplinkActions UplinkMachine::OnStorageFailed(BootTime now, const Error& error) {
  UplinkActions actions;
  EndStream(now, {UplinkProblem::kDisk, "the outbox can't be used: " + error.message, error.hint}, actions);
  return actions;
}

UplinkActions UplinkMachine::OnReopened(BootTime now) {
  return OnStorageFailed(
      now, {ErrorCode::kUnavailable, "it was opened anew after its disk failed", "have the disk checked"});
}

UplinkActions UplinkMachine::OnCaptured(BootTime now, Position last_position) {
  UplinkActions actions;
  last_position_ = std::max(last_position_, last_position);
  Pump(now, actions);
  return actions;
}

UplinkActions UplinkMachine::OnRoomWanted(BootTime now) {
  MaintainSoon(now);
  return {};
}

UplinkActions UplinkMachine::OnRequeued(BootTime now, Position position) {
  UplinkActions actions;
  if (state_ == State::kStreaming) SweepFrom(position);
  Pump(now, actions);
  return actions;
}

UplinkActions UplinkMachine::OnReleased(BootTime now) {
  UplinkActions actions;
  losses_to_announce_ = true;
  Pump(now, actions);
  return actions;
}

UplinkActions UplinkMachine::OnPaused(BootTime now, BootTime until) {
  UplinkActions actions;
  held_until_ = until;
  if (state_ == State::kForking) return actions;  // the outbox is at work, and no stream is open
  actions.emplace_back(act::CloseStream{});
  ResetStream();
  state_ = State::kWaiting;
  attempt_at_ = now;
  AwaitPauses();
  return actions;
}

UplinkActions UplinkMachine::OnResumed(BootTime now) {
  UplinkActions actions;
  if (!Held(now)) return actions;
  held_until_.reset();
  if (state_ != State::kWaiting) return actions;
  attempt_at_ = now;
  AwaitPauses();
  if (*attempt_at_ <= now) Attempt(actions);
  return actions;
}

std::optional<BootTime> UplinkMachine::RetryAt(Position position) const {
  const auto it = deferred_.find(position);
  return it == deferred_.end() ? std::nullopt : std::optional(it->second);
}

UplinkActions UplinkMachine::OnLinkUp(BootTime now) {
  UplinkActions actions;
  if (paused_until_ || Held(now)) return actions;
  // One that has just begun is given its moment: it may have been made since.
  if (state_ == State::kGreeting && now - opened_at_ < kOpensWithin) open_by_ = opened_at_ + kOpensWithin;
  const bool opening_for_long = state_ == State::kGreeting && now - opened_at_ >= kOpensWithin;
  const bool open_for_long = state_ == State::kStreaming && now - opened_at_ >= kLinkSettles;
  if (opening_for_long || open_for_long) {
    Renew(now, actions);
  } else if (state_ == State::kWaiting && attempt_at_ &&
             !(last_failure_ && last_failure_->kind == UplinkProblem::kRefused)) {
    backoff_.Reset();
    attempt_at_ = std::min(*attempt_at_, now + BootTime(backoff_.Next(rng_)));
  }
  return actions;
}

// A whole chain of stores may come back with one line: with jitter.
void UplinkMachine::Renew(BootTime now, UplinkActions& actions) {
  actions.emplace_back(act::CloseStream{});
  ResetStream();
  state_ = State::kWaiting;
  backoff_.Reset();
  attempt_at_ = now + BootTime(backoff_.Next(rng_));
}

UplinkActions UplinkMachine::OnTick(BootTime now) {
  UplinkActions actions;
  if (paused_until_ && *paused_until_ <= now) paused_until_.reset();
  if (held_until_ && *held_until_ <= now) held_until_.reset();
  if (state_ == State::kWaiting && attempt_at_ && *attempt_at_ <= now) {
    Attempt(actions);
    return actions;
  }
  if (open_by_ && *open_by_ <= now) {
    Renew(now, actions);
    return actions;
  }
  if (const auto due = AnswerDue(); due && *due <= now) {
    EndStream(now,
              {UplinkProblem::kUnreachable,
               "the server has not answered for " +
                   std::to_string(
                       std::chrono::duration_cast<std::chrono::seconds>(options_.answer_timeout).count()) +
                   " s",
               "check the network and the server; a new connection is made"},
              actions);
    return actions;
  }
  if (greet_again_at_ && *greet_again_at_ <= now && unanswered_.empty()) {
    if (nearly_full_)
      room_welcome_wait_ = std::min<std::chrono::milliseconds>(2 * room_welcome_wait_, kMaintainEvery);
    actions.emplace_back(act::CloseStream{});
    Attempt(actions);
    return actions;
  }
  for (auto it = deferred_.begin(); it != deferred_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    SweepFrom(it->first);
    it = deferred_.erase(it);
  }
  if (state_ == State::kStreaming && maintain_at_ && *maintain_at_ <= now) {
    maintain_at_.reset();
    actions.emplace_back(act::Maintain{ServerTime(now)});
  }
  if (state_ == State::kStreaming && digest_at_ && *digest_at_ <= now && !PushedBack(now)) {
    digest_at_.reset();
    actions.emplace_back(act::ReadDigest{});
  }
  Pump(now, actions);
  return actions;
}

// When the server will have been silent for too long. Each answer counts: on a slow link a full window takes
// its time.
std::optional<BootTime> UplinkMachine::AnswerDue() const {
  if (answer_by_) return answer_by_;
  if (unanswered_.empty()) return std::nullopt;
  return std::max(unanswered_.front().sent_at, last_answer_at_) + options_.answer_timeout;
}

std::optional<BootTime> UplinkMachine::NextWakeup() const {
  std::optional<BootTime> next;
  const auto consider = [&next](const std::optional<BootTime>& time) {
    if (time && (!next || *time < *next)) next = time;
  };
  consider(attempt_at_);
  consider(AnswerDue());
  consider(open_by_);
  consider(paused_until_);
  consider(maintain_at_);
  if (!paused_until_) consider(digest_at_);
  if (unanswered_.empty()) consider(greet_again_at_);
  for (const auto& [position, due] : deferred_) consider(due);
  return next;
}

std::optional<BootTime> UplinkMachine::next_attempt() const {
  return attempt_at_ ? attempt_at_ : paused_until_;
}

BootTime UplinkMachine::DigestInterval() const {
  return std::clamp<BootTime>(limits_.digest_interval, kLeastDigestInterval, kMostDigestInterval);
}

WallTime UplinkMachine::ServerTime(BootTime now) const {
  return welcome_server_time_ + (now - welcome_at_);
}

}  // namespace tillwire
