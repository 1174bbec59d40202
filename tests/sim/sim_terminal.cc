#include "tests/sim/sim_terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "core/derived_event_id.h"
#include "core/epoch.h"
#include "core/event.h"
#include "proto/event_codec.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
namespace act = uplink_action;

constexpr char kStore[] = "0417";
constexpr char kTerminal[] = "till-3";
constexpr char kMarkFile[] = "outbox.hwm";
constexpr int kAttempts = 30;

UplinkOptions MakeUplinkOptions(Rng& rng) {
  UplinkOptions options;
  options.store_id = kStore;
  options.terminal_id = kTerminal;
  options.instance_id = UuidGenerator(rng).Make(WallTime{});
  return options;
}

// `captured`: what differs where the same action is captured anew.
std::string MakeEventBytes(const Uuid& event_id, const std::string& lane, std::size_t lines,
                           std::optional<WallTime> captured) {
  Event event;
  event.event_id = event_id.ToString();
  event.store_id = kStore;
  event.terminal_id = kTerminal;
  event.captured.wall = captured.value_or(WallTime());
  OrderCancellation cancellation;
  cancellation.order_id = lane;
  cancellation.scope = CancellationScope::kLines;
  for (std::size_t i = 0; i < lines; ++i) {
    CancelledLine line;
    line.line_id = std::to_string(i + 1);
    line.quantity = 1;
    cancellation.lines.push_back(line);
  }
  event.request.body = cancellation;
  return EncodeEvent(event);
}

std::vector<std::uint64_t> ActionsOf(const std::map<Position, std::uint64_t>& history) {
  std::vector<std::uint64_t> actions;
  for (const auto& entry : history) actions.push_back(entry.second);
  return actions;
}

// What an agent with a bug makes of the centre's answers.
void Misread(SimBug bug, BatchResult& result) {
  for (RecordResult& each : result.results) {
    const bool misread =
        (bug == SimBug::kConflictTakenForDuplicate && each.disposition == Disposition::kConflict) ||
        (bug == SimBug::kRetryTakenForAccepted && each.disposition == Disposition::kRetry) ||
        (bug == SimBug::kParkedTakenForAccepted && each.disposition == Disposition::kParked);
    if (misread) each.disposition = Disposition::kAccepted;
  }
}

}  // namespace

SimTerminal::SimTerminal(SimWorld& world, SimNetwork& network, SimOracle& oracle, SimBug bug,
                         std::string name)
    : world_(world),
      network_(network),
      oracle_(oracle),
      bug_(bug),
      name_(std::move(name)),
      disk_("sim-" + name_),
      clock_(world),
      rng_(world.Random().Next()) {
  options_.directory = directory_.Path();
  options_.store_id = kStore;
  options_.terminal_id = kTerminal;
  options_.machine_id = "machine-1";
  options_.reserve_bytes = 64 << 10;  // little, for speed
  options_.delivered_retention = std::chrono::hours(0);
  options_.database.vfs = disk_.Name();
  if (bug == SimBug::kAgentNeverSyncs) options_.database.synchronous = Synchronous::kOff;
  if (bug == SimBug::kFailedSyncIgnored) Disk().HideSyncErrors();
}

void SimTerminal::Start() {
  if (Running()) return;
  disk_.Restart();
  if (bug_ == SimBug::kAgentIgnoresMark) {
    auto files = Disk().Copy(Path());
    files.erase(Path() + kMarkFile);
    Disk().Replace(Path(), files);
  }
  auto opened = Outbox::Open(options_, clock_, rng_);
  if (!opened) {
    world_.Trace(name_, "cannot start: " + opened.error().Text());
    return StartSoon();
  }
  outbox_ = std::move(*opened);
  mark_may_be_old_ = false;
  ++run_;
  // Its words name a folder that is another in each run.
  const auto& trouble = outbox_->Trouble();
  world_.Trace(name_, fmt::format("started, last position {}{}", outbox_->LastPosition(),
                                  trouble ? std::string(", disk: ") + ErrorCodeName(trouble->code) : ""));
  machine_ = std::make_unique<UplinkMachine>(MakeUplinkOptions(rng_), rng_);
  worker_ = std::make_unique<OutboxWorker>(
      *outbox_, clock_, commit_metrics_, [this](Transactional& store) { return MakeQueue(store); },
      MakeNotices());
  Do(machine_->Start(Now()));
}

std::unique_ptr<CommitQueue> SimTerminal::MakeQueue(Transactional& store) {
  auto queue = std::make_unique<SimStore>(
      world_, store, bug_ == SimBug::kAgentAnswersBeforeCommit, [this] { return Disk().ProgramRuns(); },
      [this] { DieSoon(); });
  queue_ = queue.get();
  return queue;
}

OutboxWorker::Notices SimTerminal::MakeNotices() {
  OutboxWorker::Notices notices;
  notices.reopened = [this] {
    const auto& trouble = outbox_->Trouble();
    world_.Trace(name_, fmt::format("its disk failed; {}", trouble ? "it goes on reading" : "opened anew"));
    Do(machine_->OnReopened(Now()));
  };
  notices.no_room = [this] { Do(machine_->OnRoomWanted(Now())); };
  notices.mark_written = [this] { SyncMarkSoon(); };
  return notices;
}

// As the agent's MarkThread does.
void SimTerminal::SyncMarkSoon() {
  if (std::exchange(mark_sync_due_, true)) return;
  world_.In(world_.Between(0us, 1s), [this, run = run_] {
    if (run != run_ || !Running()) return;
    mark_sync_due_ = false;
    try {
      outbox_->SyncHighWaterMark();
    } catch (const StorageFault&) {
      mark_may_be_old_ = true;
      if (!Disk().ProgramRuns()) DieSoon();
    }
  });
}

std::uint64_t SimTerminal::Capture(const std::string& lane, std::size_t lines) {
  Caller caller{oracle_.NewAction(lane), lane, lines, kAttempts, files_, std::nullopt};
  if (caller.action % 2 == 0) caller.occur_time = clock_.WallNow();
  Attempt(caller);
  return caller.action;
}

void SimTerminal::Attempt(const Caller& caller) {
  // Another file may not know the key: without a time the caller can't tell what became of its action, and
  // nor can we.
  const bool other_files = caller.files != files_;
  if (other_files && !caller.occur_time) return;
  if (!Running()) return TryAgain(caller);
  const std::string key = fmt::format("{} {}", name_, caller.action);
  const Uuid event_id = caller.occur_time ? DerivedEventId(kStore, kTerminal, key, *caller.occur_time)
                                          : event_ids_.Make(clock_.WallNow());
  CaptureInput input;
  input.event_id = event_id;
  input.lane = "order:" + caller.lane;
  input.id_from_outside = caller.occur_time.has_value();
  input.event = MakeEventBytes(event_id, caller.lane, caller.lines,
                               caller.occur_time ? std::optional(clock_.WallNow()) : std::nullopt);
  input.captured_at = clock_.WallNow();
  input.idempotency = CaptureInput::Idempotency{Sha256(key), Sha256(caller.lane)};
  oracle_.NoteAttempt(caller.action, event_id, input.event);
  if (other_files) oracle_.NoteRecaptured(caller.action);
  auto answered = std::make_shared<bool>(false);
  worker_->Capture(input, [this, caller, answered](const Result<Captured>& captured) {
    *answered = true;
    if (!captured && bug_ == SimBug::kAgentAnswersWhatItRefused) {
      return oracle_.NoteAcknowledged(caller.action, *oracle_.Action(caller.action).attempts.rbegin());
    }
    if (!captured) return TryAgain(caller);
    oracle_.NoteAcknowledged(caller.action, captured->event_id);
    history_[captured->position] = caller.action;
    Do(machine_->OnCaptured(Now(), outbox_->LastPosition()));
  });
  // Without an answer the caller repeats after some seconds.
  world_.In(10s, [this, caller, answered] {
    if (!*answered) TryAgain(caller);
  });
}

void SimTerminal::TryAgain(Caller caller) {
  if (--caller.attempts_left <= 0) return;
  world_.In(world_.Between(1s, 10s), [this, caller] { Attempt(caller); });
}

void SimTerminal::RequeueAll() {
  if (!Running()) return;
  for (const char* reason : {"TOO_MANY_LINES", "EVENT_ID_REUSED", "HASH_MISMATCH", "STORE_NOT_ALLOWED"}) {
    worker_->RequeueAll(reason, [this](const Result<std::vector<Position>>& requeued) {
      if (!requeued || requeued->empty()) return;
      world_.Trace(name_, fmt::format("requeued {} events", requeued->size()));
      for (const Position position : *requeued) Do(machine_->OnRequeued(Now(), position));
    });
  }
}

void SimTerminal::ReleaseOne() {
  if (!Running()) return;
  const auto status = Status();
  if (!status || status->parked_events.empty()) return;
  const Uuid event_id = status->parked_events.front().event_id;
  // From here on it may be given up, whether or not the agent lives to say so.
  oracle_.NoteReleased(event_id);
  worker_->Release(event_id, "given up by 0815", [this, event_id](const Result<Outbox::Requeued>& released) {
    if (!released) return;
    world_.Trace(name_, "released " + event_id.ToString());
    Do(machine_->OnReleased(Now()));
  });
}

void SimTerminal::Kill() {
  if (!Running()) return;
  Disk().KillProgram();
  Die("killed");
}

void SimTerminal::LosePower() {
  Disk().PowerCut(&world_.Random());
  if (Running()) Die("lost power");
}

void SimTerminal::SetWallClock(std::chrono::hours offset) {
  world_.Trace(name_, fmt::format("wall clock steps by {} h", offset.count()));
  clock_.StepWall(offset);
}

void SimTerminal::LinkUp() {
  if (Running()) Do(machine_->OnLinkUp(Now()));
}

std::optional<SimTerminal::Image> SimTerminal::Copy() {
  // While a commit could be under way the history would not be that of the files.
  if (!Running() || queue_->Waiting() > 0 || !Disk().ProgramRuns()) return std::nullopt;
  // Nor while a commit is in doubt: the copy would hold what a caller without a time may capture again.
  if (outbox_->Trouble()) return std::nullopt;
  Image image;
  for (auto& [path, content] : Disk().Copy(Path()))
    image.files[path.substr(Path().size())] = std::move(content);
  image.history = history_;
  return image;
}

void SimTerminal::Replace(const Image& image, bool with_mark) {
  if (mark_sync_due_) mark_may_be_old_ = true;
  if (Running()) Die(with_mark ? "its files are replaced" : "its outbox is replaced, the mark is kept");
  auto mark = Disk().Copy(Path() + kMarkFile);
  std::map<std::string, std::string> files;
  for (const auto& [name, content] : image.files) files[Path() + name] = content;
  if (!with_mark) {
    for (auto& [path, content] : mark) files[path] = std::move(content);
  }
  Disk().Replace(Path(), files);
  oracle_.NoteReplaced(ActionsOf(history_), ActionsOf(image.history), !with_mark && !mark_may_be_old_);
  history_ = image.history;
  ++files_;
}

std::vector<std::uint64_t> SimTerminal::History() const {
  return ActionsOf(history_);
}

bool SimTerminal::Drained(SimWorld::Duration since) {
  const auto status = Status();
  if (!status || !welcomed_at_ || *welcomed_at_ < since) return false;
  const bool announced = std::all_of(status->lost_ranges.begin(), status->lost_ranges.end(),
                                     [](const LostRange& range) { return range.announced; });
  return status->pending == 0 && status->parked == 0 && announced && !status->trouble &&
         queue_->Waiting() == 0;
}

std::uint64_t SimTerminal::NamedLost() {
  const auto status = Status();
  return status ? status->lost : 0;
}

std::string SimTerminal::Backlog() {
  const auto status = Status();
  if (!status) return fmt::format(" {} is down;", name_);
  return fmt::format(" {} has {} pending, {} parked, {} lost ranges{};", name_, status->pending,
                     status->parked, status->lost_ranges.size(), status->trouble ? ", and can't write" : "");
}

void SimTerminal::Check() {
  const auto status = Status();
  if (!status) return;
  const std::uint64_t accounted =
      status->pending + status->parked + status->delivered + status->released + status->not_in_effect;
  if (accounted != outbox_->LastPosition()) {
    oracle_.Complain(fmt::format(
        "counts of {}: {} positions, but {} pending, {} parked, {} delivered, {} released, {} not in effect",
        name_, outbox_->LastPosition(), status->pending, status->parked, status->delivered, status->released,
        status->not_in_effect));
  }
  const auto digest = Look<Digest>([this] { return outbox_->ReadDigest(); });
  if (!digest) return;
  std::uint64_t not_in_effect = 0;
  for (const EpochDigest& epoch : digest->epochs) {
    not_in_effect += epoch.not_in_effect;
    if (!epoch.AddsUp()) {
      oracle_.Complain(
          fmt::format("the digest of {} does not add up in epoch {}", name_, EpochName(epoch.epoch)));
    }
  }
  if (not_in_effect != status->not_in_effect) {
    oracle_.Complain(fmt::format("{} counts {} not in effect, and {} in its digest", name_,
                                 status->not_in_effect, not_in_effect));
  }
  for (const auto& [position, number] : history_) {
    const SimAction& action = oracle_.Action(number);
    if (oracle_.InEffect(number) || oracle_.IsOffered(number) || action.released) continue;
    const auto found = Find(action.acknowledged_id);
    if (!found) return;
    if (found->ok()) continue;
    oracle_.Complain(fmt::format("missing: action {} ({}) is neither in the outbox of {} nor at the centre",
                                 number, action.lane, name_));
  }
}

std::optional<OutboxStatus> SimTerminal::Status() {
  return Look<OutboxStatus>([this] { return outbox_->Status(); });
}

std::optional<Result<EventView>> SimTerminal::Find(const Uuid& event_id) {
  return Look<Result<EventView>>([this, &event_id] { return outbox_->Find(event_id); });
}

template <typename T>
std::optional<T> SimTerminal::Look(const std::function<T()>& question) {
  if (!Running()) return std::nullopt;
  std::optional<T> answer;
  const std::uint64_t openings = outbox_->Openings();
  CommitJob job{[&] { answer = question(); },
                [&](const Result<void>& committed) {
                  if (!committed) answer.reset();
                }};
  GroupCommitter(*outbox_).Commit({&job, 1});
  if (!Disk().ProgramRuns()) {
    DieSoon();
    return std::nullopt;
  }
  // The worker notices with its next job.
  if (outbox_->Openings() != openings) worker_->Ask<bool>([](Outbox&) { return true; }, [](const auto&) {});
  return answer;
}

// Not from within what is about to die.
void SimTerminal::DieSoon() {
  world_.In(0us, [this, run = run_] {
    if (run == run_ && Running()) Die(Disk().Powered() ? "is killed at work" : "loses power at work");
  });
}

void SimTerminal::Die(const std::string& how) {
  world_.Trace(name_, how);
  worker_.reset();
  queue_ = nullptr;
  mark_sync_due_ = false;
  machine_.reset();
  if (stream_) {
    stream_->to_agent = nullptr;
    stream_->agent_lost = nullptr;
    network_.CloseByAgent(stream_);
    stream_.reset();
  }
  // The mark is synced off the capture path, so that a power cut may take its newest value (rule 7).
  if (!Disk().Powered()) mark_may_be_old_ = true;
  // A dead process writes nothing more.
  Disk().KillProgram();
  outbox_.reset();
  armed_.reset();
  StartSoon();
}

void SimTerminal::StartSoon() {
  world_.In(world_.Between(100ms, 15s), [this] { Start(); });
}

void SimTerminal::Do(UplinkActions actions) {
  for (UplinkAction& action : actions) {
    std::visit([this](auto& what) { this->Act(what); }, action);
  }
  Rearm();
}

void SimTerminal::Rearm() {
  const auto due = machine_->NextWakeup();
  if (due == armed_) return;
  armed_ = due;
  if (!due) return;
  world_.In(std::max(*due - Now(), BootTime(0)), [this, due = *due, run = run_] {
    if (run != run_ || !Running() || armed_ != due) return;
    armed_.reset();
    Do(machine_->OnTick(Now()));
  });
}

template <typename T, typename Next>
void SimTerminal::Ask(std::function<T(Outbox&)> question, Next next) {
  worker_->Ask<T>(std::move(question), [this, next = std::move(next)](Result<T> answer) {
    if (!answer) return Do(machine_->OnStorageFailed(Now(), answer.error()));
    next(std::move(*answer));
  });
}

void SimTerminal::Act(act::ReadHistory& /*action*/) {
  Ask<std::vector<EpochSummary>>(
      [](Outbox& outbox) { return outbox.Epochs(); },
      [this](std::vector<EpochSummary> epochs) { Do(machine_->OnHistory(Now(), std::move(epochs))); });
}

void SimTerminal::Act(act::OpenStream& /*action*/) {
  if (stream_) network_.CloseByAgent(stream_);
  stream_ = std::make_shared<SimStream>();
  const std::weak_ptr<SimStream> weak = stream_;
  const auto mine = [this, weak, run = run_] {
    return run == run_ && Running() && stream_ && stream_ == weak.lock();
  };
  stream_->to_agent = [this, mine](ToAgent message) {
    if (!mine()) return;
    if (auto* result = std::get_if<BatchResult>(&message)) {
      if (bug_ == SimBug::kAgentMarksWhenSent) return;
      Misread(bug_, *result);
    }
    Do(machine_->OnMessage(Now(), std::move(message)));
  };
  stream_->agent_lost = [this, mine] {
    if (mine()) Do(machine_->OnClosed(Now(), {UplinkProblem::kUnreachable, "the connection broke", ""}));
  };
  network_.Open(stream_);
}

void SimTerminal::Act(act::CloseStream& /*action*/) {
  if (stream_) network_.CloseByAgent(stream_);
  stream_.reset();
}

void SimTerminal::Act(act::Send& send) {
  if (!stream_) return;
  if (auto* batch = std::get_if<EventBatch>(&send.message)) {
    world_.Trace(name_, fmt::format("stream {}: batch {} of epoch {}: {} to {}", stream_->number,
                                    batch->batch_id, EpochName(batch->epoch),
                                    batch->records.front().id.sequence, batch->records.back().id.sequence));
    if (bug_ == SimBug::kAgentMarksWhenSent) PretendAnswered(*batch);
  } else if (const auto* hello = std::get_if<Hello>(&send.message)) {
    world_.Trace(name_,
                 fmt::format("stream {}: hello with {} epochs", stream_->number, hello->epochs.size()));
  } else if (const auto* tombstones = std::get_if<Tombstones>(&send.message)) {
    for (const Tombstone& tombstone : tombstones->tombstones) {
      world_.Trace(name_,
                   fmt::format("stream {}: epoch {}: {} to {} is given up: {}", stream_->number,
                               EpochName(tombstone.epoch), tombstone.first, tombstone.last, tombstone.cause));
    }
  }
  network_.SendUp(stream_, std::move(send.message));
}

void SimTerminal::PretendAnswered(const EventBatch& batch) {
  BatchResult made_up{batch.batch_id, {}};
  for (const Record& record : batch.records) {
    RecordResult& result = made_up.results.emplace_back();
    result.sequence = record.id.sequence;
    result.disposition = Disposition::kAccepted;
  }
  world_.In(0us, [this, made_up = std::move(made_up), run = run_, stream = stream_] {
    if (run == run_ && Running() && stream == stream_) Do(machine_->OnMessage(Now(), made_up));
  });
}

void SimTerminal::Act(act::ApplyWelcome& apply) {
  Ask<std::pair<WelcomeReport, Position>>(
      [this, welcome = std::move(apply.welcome)](Outbox& outbox) {
        const WelcomeReport report =
            bug_ == SimBug::kWelcomeAddsOnly ? WelcomeReport{} : outbox.ApplyWelcome(welcome);
        return std::pair(report, outbox.LastPosition());
      },
      [this](const std::pair<WelcomeReport, Position>& applied) {
        const WelcomeReport& report = applied.first;
        welcomed_at_ = Now();
        world_.Trace(name_, fmt::format("welcomed: {} delivered anew, {} pending again, {} declared lost",
                                        report.newly_delivered, report.pending_again, report.declared_lost));
        Do(machine_->OnWelcomeApplied(Now(), applied.second));
      });
}

void SimTerminal::Act(act::ReadPending& read) {
  Ask<PendingPage>(
      [read](Outbox& outbox) { return outbox.ReadPending(read.after, read.max_records, read.max_bytes); },
      [this](PendingPage page) {
        if (bug_ == SimBug::kLanesIgnored) {
          for (PendingRecord& record : page.records) record.awaits.reset();
        }
        Do(machine_->OnPage(Now(), std::move(page)));
      });
}

void SimTerminal::Act(act::ApplyOutcomes& apply) {
  Ask<std::vector<EventOutcome>>(
      [outcomes = std::move(apply.outcomes)](Outbox& outbox) {
        outbox.ApplyOutcomes(outcomes);
        return outcomes;
      },
      [this](const std::vector<EventOutcome>& outcomes) {
        Do(machine_->OnOutcomesApplied(Now(), outcomes));
      });
}

void SimTerminal::Act(act::MoveSuffix& move) {
  world_.Trace(name_, "fork: " + move.why);
  Ask<MoveReport>(
      [this, move](Outbox& outbox) {
        if (bug_ != SimBug::kForkMovesNothing) return outbox.MoveSuffix(move.epoch, move.why);
        outbox.StartEpoch(move.why);
        return MoveReport{};
      },
      [this](const MoveReport& report) {
        world_.Trace(name_,
                     fmt::format("moved {} events into epoch {}", report.moved, EpochName(report.new_epoch)));
        Do(machine_->OnMoved(Now()));
      });
}

void SimTerminal::Act(act::StartEpoch& start) {
  world_.Trace(name_, "new epoch: " + start.why);
  using Begun = std::optional<std::uint64_t>;
  Ask<Begun>([start](Outbox& outbox) { return outbox.StartEpoch(start.why); }, [](const Begun&) {});
}

void SimTerminal::Act(act::ReadLostRanges& read) {
  Ask<Outbox::Unannounced>([read](Outbox& outbox) { return outbox.UnannouncedLostRanges(read.limit); },
                           [this](Outbox::Unannounced unannounced) {
                             if (bug_ == SimBug::kLossesNotAnnounced) {
                               std::vector<std::int64_t> rows;
                               for (const LostRange& range : unannounced.ranges) rows.push_back(range.row);
                               if (!rows.empty()) {
                                 Ask<bool>(
                                     [rows](Outbox& outbox) {
                                       outbox.MarkAnnounced(rows);
                                       return true;
                                     },
                                     [](bool) {});
                               }
                               unannounced = {};
                             }
                             Do(machine_->OnLostRanges(Now(), unannounced));
                           });
}

void SimTerminal::Act(act::MarkAnnounced& mark) {
  Ask<bool>(
      [mark](Outbox& outbox) {
        outbox.MarkAnnounced(mark.rows);
        outbox.DropLostRanges(mark.safe);
        return true;
      },
      [](bool) {});
}

void SimTerminal::Act(act::Maintain& maintain) {
  Ask<Upkeep>([maintain](Outbox& outbox) { return outbox.Maintain(maintain.server_time); },
              [this](const Upkeep& upkeep) { Do(machine_->OnMaintained(Now(), upkeep)); });
}

void SimTerminal::Act(act::ReadDigest& /*action*/) {
  Ask<Digest>([](Outbox& outbox) { return outbox.ReadDigest(); },
              [this](Digest digest) { Do(machine_->OnDigest(Now(), std::move(digest))); });
}

}  // namespace tillwire
