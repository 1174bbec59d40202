#include "agent/uplink/uplink.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/epoch.h"

namespace tillwire {
namespace {

namespace act = uplink_action;

// No clock that is right says anything earlier: this release was not made then.
constexpr WallTime kEarliestPlausible = std::chrono::sys_days{std::chrono::year(2026) / 11 / 1};
// The centre's time is noted this coarsely.
constexpr std::chrono::hours kClockSlack{2};

// What an earlier run left.
struct Memory {
  std::optional<UplinkPause> pause;
  std::optional<WallTime> server_time;
};

// What OnWelcomeApplied() is told, and what the log is.
struct AppliedWelcome {
  WelcomeReport report;
  Position last_position = 0;
};

UplinkState ForPeople(const UplinkMachine& machine, BootTime now) {
  if (machine.Held(now)) return UplinkState::kPaused;
  switch (machine.state()) {
    case UplinkMachine::State::kWaiting:
    case UplinkMachine::State::kForking:
      return machine.PushedBack(now) ? UplinkState::kPushedBack : UplinkState::kWaiting;
    case UplinkMachine::State::kReading:
    case UplinkMachine::State::kGreeting:
      return UplinkState::kConnecting;
    case UplinkMachine::State::kReconciling:
    case UplinkMachine::State::kStreaming:
      return machine.PushedBack(now) ? UplinkState::kPushedBack : UplinkState::kConnected;
  }
  return UplinkState::kWaiting;
}

}  // namespace

class Uplink::Impl final : public TransportListener, public std::enable_shared_from_this<Uplink::Impl> {
 public:
  Impl(asio::io_context& io, OutboxWorker& outbox, Transport& transport, const Clock& clock, Rng& rng,
       UplinkOptions options, std::string server, UplinkMetrics& metrics, Observers observers,
       DigestSources digest_sources)
      : io_(io),
        outbox_(outbox),
        transport_(transport),
        clock_(clock),
        metrics_(metrics),
        observers_(std::move(observers)),
        digest_sources_(std::move(digest_sources)),
        machine_(std::move(options), rng),
        timer_(io) {
    status_.server = std::move(server);
  }

  void Start() {
    transport_.SetListener(this);
    Ask<Memory>([](Outbox& outbox) { return Memory{outbox.Pause(), outbox.LatestServerTime()}; },
                [this](const Memory& memory) {
                  pause_ = memory.pause;
                  server_time_ = memory.server_time;
                  Do([&] { return machine_.Start(Now(), RememberedPauseEnd()); });
                });
  }

  void Stop() {
    stopped_ = true;
    timer_.cancel();
    transport_.Close();
    transport_.SetListener(nullptr);
  }

  void OnLinkUp() {
    Do([&] { return machine_.OnLinkUp(Now()); });
  }

  void OnMessage(ToAgent message) override {
    if (const auto* welcome = std::get_if<Welcome>(&message)) server_time_ = welcome->server_time;
    if (const auto* result = std::get_if<BatchResult>(&message)) {
      const auto sent = sent_at_.find(result->batch_id);
      if (sent != sent_at_.end()) answered_sent_at_ = sent->second;
      sent_at_.erase(result->batch_id);
    }
    Do([&] { return machine_.OnMessage(Now(), std::move(message)); });
    answered_sent_at_.reset();
  }

  void OnClosed(StreamEnd end) override {
    Do([&] { return machine_.OnClosed(Now(), WithClockInMind(std::move(end))); });
  }

  void NotifyCaptured() {
    // One notice in flight is enough: it reads the newest position when it runs.
    if (captured_notice_.exchange(true)) return;
    Post([this] {
      captured_notice_ = false;
      Do([&] { return machine_.OnCaptured(Now(), outbox_.LastPosition()); });
    });
  }

  void NotifyRequeued(Position position) {
    Post([this, position] { Do([&] { return machine_.OnRequeued(Now(), position); }); });
  }

  void NotifyReleased() {
    Post([this] { Do([&] { return machine_.OnReleased(Now()); }); });
  }

  void NotifyRoomWanted() {
    if (room_notice_.exchange(true)) return;
    Post([this] {
      room_notice_ = false;
      Do([&] { return machine_.OnRoomWanted(Now()); });
    });
  }

  void NotifyReopened() {
    Post([this] { Do([&] { return machine_.OnReopened(Now()); }); });
  }

  void NotifyPause(const std::optional<UplinkPause>& pause) {
    Post([this, pause] {
      pause_ = pause;
      // Its length counts, not the wall clock, which may step meanwhile.
      Do([&] {
        return pause ? machine_.OnPaused(Now(), Now() + (pause->until - pause->since))
                     : machine_.OnResumed(Now());
      });
    });
  }

  UplinkStatus Status() const {
    const std::lock_guard lock(status_mutex_);
    return status_;
  }

  UplinkActivity Describe(Position position) const {
    const ClockSample now = clock_.Sample();
    const std::lock_guard lock(machine_mutex_);
    UplinkActivity activity;
    activity.in_flight = machine_.InFlight(position);
    if (const auto due = machine_.RetryAt(position)) activity.retry_at = now.wall + (*due - now.boot);
    return activity;
  }

 private:
  [[nodiscard]] BootTime Now() const { return clock_.BootNow(); }

  // The end, by the clock of this boot, of a pause that an earlier run began; nothing if it is over, or if
  // the wall clock can't be right, since it is earlier than the pause.
  [[nodiscard]] std::optional<BootTime> RememberedPauseEnd() const {
    const ClockSample now = clock_.Sample();
    if (!pause_ || pause_->until <= now.wall || pause_->since > now.wall) return std::nullopt;
    return now.boot + std::min<BootTime>(pause_->until - now.wall, kMaxPause);
  }

  // A certificate that fails at a time that can't be has a clock to blame.
  [[nodiscard]] StreamEnd WithClockInMind(StreamEnd end) const {
    if (end.kind != UplinkProblem::kCertificate) return end;
    const WallTime now = clock_.WallNow();
    const WallTime earliest =
        std::max(kEarliestPlausible, server_time_.value_or(kEarliestPlausible) - kClockSlack);
    if (now >= earliest) return end;
    const auto day = [](WallTime time) {
      const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(time));
      return fmt::format("{}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                         static_cast<unsigned>(date.day()));
    };
    end.kind = UplinkProblem::kClock;
    end.message += "; this terminal's clock says " + day(now) + ", but it is at least " + day(earliest);
    end.remedy = "set the clock (timedatectl); the connection then comes by itself";
    return end;
  }

  // Runs `body` on the uplink's thread, unless the uplink has stopped by then.
  void Post(std::function<void()> body) {
    asio::post(io_, [self = shared_from_this(), body = std::move(body)] {
      if (!self->stopped_) body();
    });
  }

  // Asks the machine what to do, and does it.
  template <typename Question>
  void Do(Question ask_machine) {
    UplinkActions actions;
    {
      const std::lock_guard lock(machine_mutex_);
      actions = ask_machine();
    }
    for (UplinkAction& action : actions) {
      std::visit([this](auto& what) { this->Act(what); }, action);
    }
    Rearm();
    Publish();
  }

  // Asks the outbox; `next` is told the answer on the uplink's thread, or the machine hears of the failure.
  template <typename T>
  void Ask(std::function<T(Outbox&)> question, std::function<void(T)> next) {
    outbox_.Ask<T>(std::move(question),
                   [self = shared_from_this(), next = std::move(next)](Result<T> answer) {
                     auto held = std::make_shared<Result<T>>(std::move(answer));
                     self->Post([self, held, next] {
                       if (*held) {
                         next(std::move(**held));
                       } else {
                         self->Do([&] { return self->machine_.OnStorageFailed(self->Now(), held->error()); });
                       }
                     });
                   });
  }

  void Act(act::ReadHistory&) {
    Ask<std::vector<EpochSummary>>([](Outbox& outbox) { return outbox.Epochs(); },
                                   [this](std::vector<EpochSummary> epochs) {
                                     Do([&] { return machine_.OnHistory(Now(), std::move(epochs)); });
                                   });
  }

  void Act(act::OpenStream&) {
    sent_at_.clear();
    transport_.Open();
  }

  void Act(act::CloseStream&) { transport_.Close(); }

  void Act(act::Send& send) {
    if (const auto* batch = std::get_if<EventBatch>(&send.message)) {
      spdlog::debug("uplink: sending batch={} records={}", batch->batch_id, batch->records.size());
      sent_at_[batch->batch_id] = Now();
      if (observers_.probe) observers_.probe(AgentPhase::kSending);
    }
    transport_.Send(std::move(send.message));
  }

  void Act(act::ApplyWelcome& apply) {
    Ask<AppliedWelcome>(
        [welcome = std::move(apply.welcome)](Outbox& outbox) {
          AppliedWelcome applied;
          applied.report = outbox.ApplyWelcome(welcome);
          applied.last_position = outbox.LastPosition();
          return applied;
        },
        [this](const AppliedWelcome& applied) {
          spdlog::info("uplink: welcomed delivered_anew={} pending_again={} declared_lost={}",
                       applied.report.newly_delivered, applied.report.pending_again,
                       applied.report.declared_lost);
          metrics_.connects.Add();
          metrics_.delivered.Add(applied.report.newly_delivered);
          Do([&] { return machine_.OnWelcomeApplied(Now(), applied.last_position); });
          TellStatusChanged();
        });
  }

  void Act(act::ReadLostRanges& read) {
    Ask<Outbox::Unannounced>([read](Outbox& outbox) { return outbox.UnannouncedLostRanges(read.limit); },
                             [this](const Outbox::Unannounced& ranges) {
                               Do([&] { return machine_.OnLostRanges(Now(), ranges); });
                             });
  }

  void Act(act::ReadPending& read) {
    Ask<PendingPage>(
        [read](Outbox& outbox) { return outbox.ReadPending(read.after, read.max_records, read.max_bytes); },
        [this](PendingPage page) {
          for (const Position position : page.damaged) {
            spdlog::error("outbox: a stored event is damaged and was given up position={}", position);
          }
          if (!page.damaged.empty() && observers_.events_changed) observers_.events_changed(page.damaged);
          Do([&] { return machine_.OnPage(Now(), std::move(page)); });
        });
  }

  void Act(act::ApplyOutcomes& apply) {
    for (const auto& [position, result] : apply.outcomes) {
      if (result.disposition != Disposition::kParked) continue;
      spdlog::warn("uplink: the centre parked an event sequence={} reason={} detail=\"{}\"", result.sequence,
                   ParkReasonName(result.park_reason), result.detail);
    }
    if (observers_.probe) observers_.probe(AgentPhase::kMarking);
    Ask<std::vector<EventOutcome>>(
        [outcomes = std::move(apply.outcomes)](Outbox& outbox) {
          outbox.ApplyOutcomes(outcomes);
          return outcomes;
        },
        [this, sent = answered_sent_at_](const std::vector<EventOutcome>& outcomes) {
          Count(outcomes);
          if (sent) metrics_.delivery_seconds.Observe(Now() - *sent);
          if (observers_.events_changed) {
            std::vector<Position> changed;
            for (const EventOutcome& outcome : outcomes) changed.push_back(outcome.position);
            observers_.events_changed(changed);
          }
          Do([&] { return machine_.OnOutcomesApplied(Now(), outcomes); });
        });
  }

  void Act(act::MoveSuffix& move) {
    spdlog::warn("uplink: the histories have forked epoch={} why=\"{}\"", EpochName(move.epoch), move.why);
    Ask<MoveReport>([move](Outbox& outbox) { return outbox.MoveSuffix(move.epoch, move.why); },
                    [this](const MoveReport& report) {
                      spdlog::warn("uplink: moved events={} new_epoch={}", report.moved,
                                   EpochName(report.new_epoch));
                      Do([&] { return machine_.OnMoved(Now()); });
                      TellStatusChanged();
                    });
  }

  void Act(act::StartEpoch& start) {
    spdlog::warn("uplink: new epoch why=\"{}\"", start.why);
    using Begun = std::optional<std::uint64_t>;
    // Where the disk can't be written none begins, and nothing is captured; once it can be, the stream that
    // comes then is told again. What waits goes out meanwhile.
    Ask<Begun>([start](Outbox& outbox) { return outbox.StartEpoch(start.why); }, [](const Begun&) {});
  }

  void Act(act::MarkAnnounced& mark) {
    Ask<bool>(
        [mark](Outbox& outbox) {
          outbox.MarkAnnounced(mark.rows);
          outbox.DropLostRanges(mark.safe);
          return true;
        },
        [this](bool) { TellStatusChanged(); });
  }

  void Act(act::Maintain& maintain) {
    Ask<Upkeep>([maintain](Outbox& outbox) { return outbox.Maintain(maintain.server_time); },
                [this](const Upkeep& upkeep) { Do([&] { return machine_.OnMaintained(Now(), upkeep); }); });
  }

  void Act(act::ReadDigest&) {
    Ask<Digest>([](Outbox& outbox) { return outbox.ReadDigest(); },
                [this](Digest digest) {
                  const ClockSample now = clock_.Sample();
                  digest.clock_time = now.wall;
                  digest.clock_synchronized = now.synchronized;
                  digest.uptime =
                      std::chrono::floor<std::chrono::milliseconds>(now.boot - digest_sources_.started_at);
                  if (digest_sources_.spool) {
                    const SpoolCounts spool = digest_sources_.spool();
                    digest.spool_waiting = spool.waiting;
                    digest.spool_bad = spool.bad;
                  }
                  Do([&] { return machine_.OnDigest(Now(), std::move(digest)); });
                });
  }

  void Count(const std::vector<EventOutcome>& outcomes) {
    for (const auto& [position, result] : outcomes) {
      if (result.disposition == Disposition::kParked) metrics_.parked[result.park_reason].Add();
      if (result.disposition == Disposition::kAccepted || result.disposition == Disposition::kDuplicate) {
        metrics_.delivered.Add();
      }
    }
  }

  void Rearm() {
    const auto due = machine_.NextWakeup();
    if (due == armed_) return;
    armed_ = due;
    timer_.cancel();
    if (!due) return;
    timer_.expires_after(std::max(*due - Now(), BootTime(0)));
    timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (error || self->stopped_) return;
      self->armed_.reset();
      self->Do([&] { return self->machine_.OnTick(self->Now()); });
    });
  }

  void Publish() {
    if (!Update()) return;
    LogState();
    TellStatusChanged();
  }

  // It is over: a later start must not take it up again. Another one may have been noted meanwhile.
  void ForgetPause() {
    Ask<bool>(
        [until = pause_->until](Outbox& outbox) {
          const auto noted = outbox.Pause();
          if (noted && noted->until == until) outbox.SetPause(std::nullopt);
          return true;
        },
        [](bool) {});
    pause_.reset();
  }

  void TellStatusChanged() {
    if (observers_.status_changed) observers_.status_changed();
  }

  // Whether people would see a difference.
  bool Update() {
    const ClockSample now = clock_.Sample();
    const std::lock_guard lock(status_mutex_);
    const UplinkState before = status_.state;
    const std::uint32_t failed_before = status_.failed_attempts;
    status_.state = ForPeople(machine_, now.boot);
    const bool connected = machine_.state() == UplinkMachine::State::kStreaming ||
                           machine_.state() == UplinkMachine::State::kReconciling;
    if (!connected) status_.connected_since.reset();
    if (connected && !status_.connected_since) status_.connected_since = now.wall;
    const auto& failure = machine_.last_failure();
    if (!failure) {
      status_.last_error.clear();
      status_.remedy.clear();
      status_.problem.reset();
      status_.last_error_time.reset();
    } else if (machine_.failed_attempts() != status_.failed_attempts) {
      metrics_.failures[failure->kind].Add();
      status_.last_error = failure->message;
      status_.remedy = failure->remedy;
      status_.problem = failure->kind;
      status_.last_error_time = now.wall;
    }
    status_.failed_attempts = machine_.failed_attempts();
    status_.next_attempt.reset();
    if (const auto next = machine_.next_attempt()) status_.next_attempt = now.wall + (*next - now.boot);
    if (pause_ && !machine_.Held(now.boot)) ForgetPause();
    const bool pause_changed =
        status_.pause.has_value() != pause_.has_value() || (pause_ && status_.pause->until != pause_->until);
    status_.pause = pause_;
    state_changed_ = before != status_.state;
    return state_changed_ || pause_changed || failed_before != status_.failed_attempts;
  }

  void LogState() const {
    if (!state_changed_) return;
    if (status_.state == UplinkState::kConnected) {
      spdlog::info("uplink: connected server={}", status_.server);
    } else if (status_.state == UplinkState::kWaiting && !status_.last_error.empty()) {
      spdlog::warn("uplink: not connected server={} attempts={} error=\"{}\" remedy=\"{}\"", status_.server,
                   status_.failed_attempts, status_.last_error, status_.remedy);
    } else if (status_.state == UplinkState::kPaused) {
      spdlog::warn("uplink: paused operator={} reason=\"{}\"", pause_->operator_id, pause_->reason);
    }
  }

  asio::io_context& io_;
  OutboxWorker& outbox_;
  Transport& transport_;
  const Clock& clock_;
  UplinkMetrics& metrics_;
  const Observers observers_;
  const DigestSources digest_sources_;
  mutable std::mutex machine_mutex_;  // only this thread changes the machine; others may look
  UplinkMachine machine_;
  std::optional<UplinkPause> pause_;     // as far as this thread knows, it lasts
  std::optional<WallTime> server_time_;  // the last that is known

  asio::steady_timer timer_;
  std::optional<BootTime> armed_;
  bool stopped_ = false;
  std::unordered_map<std::uint64_t, BootTime> sent_at_;  // by batch, of those without an answer
  std::optional<BootTime> answered_sent_at_;             // of the batch whose answer is being handled
  std::atomic<bool> captured_notice_ = false;
  std::atomic<bool> room_notice_ = false;
  bool state_changed_ = false;  // by the last Update()
  mutable std::mutex status_mutex_;
  UplinkStatus status_;
};

Uplink::Uplink(asio::io_context& io, OutboxWorker& outbox, Transport& transport, const Clock& clock, Rng& rng,
               UplinkOptions options, std::string server, UplinkMetrics& metrics, Observers observers,
               DigestSources digest_sources)
    : impl_(std::make_shared<Impl>(io, outbox, transport, clock, rng, std::move(options), std::move(server),
                                   metrics, std::move(observers), std::move(digest_sources))) {}

Uplink::~Uplink() = default;

void Uplink::Start() {
  impl_->Start();
}
void Uplink::OnLinkUp() {
  impl_->OnLinkUp();
}
void Uplink::Stop() {
  impl_->Stop();
}
void Uplink::NotifyCaptured() {
  impl_->NotifyCaptured();
}
void Uplink::NotifyRequeued(Position position) {
  impl_->NotifyRequeued(position);
}
void Uplink::NotifyReleased() {
  impl_->NotifyReleased();
}
void Uplink::NotifyRoomWanted() {
  impl_->NotifyRoomWanted();
}
void Uplink::NotifyReopened() {
  impl_->NotifyReopened();
}
void Uplink::NotifyPause(const std::optional<UplinkPause>& pause) {
  impl_->NotifyPause(pause);
}
UplinkActivity Uplink::Describe(Position position) const {
  return impl_->Describe(position);
}
UplinkStatus Uplink::Status() const {
  return impl_->Status();
}

}  // namespace tillwire
