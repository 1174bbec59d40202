#include "tests/sim/sim_centre.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>
#include <variant>

#include "ingest/acceptance/acceptor.h"
#include "ingest/acceptance/batch_limits.h"
#include "ingest/oversight/epoch_facts.h"
#include "tests/sim/sabotaged_ledger.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// Without a word from the other end for 30 s, and 10 s for the answer.
constexpr SimWorld::Duration kKeepalive = 40s;
constexpr char kLedgerFile[] = "ledger.db";
// The centre's clock runs that fast, so that terminals come to prune within a run.
constexpr int kClockRate = 600;

}  // namespace

// One stream, as ingest/service/write_back_stream does it.
class SimCentre::Session : public std::enable_shared_from_this<SimCentre::Session> {
 public:
  Session(SimCentre& centre, std::shared_ptr<SimStream> stream)
      : centre_(centre), run_(centre.run_), stream_(std::move(stream)) {}

  void OnMessage(ToCentre message) {
    if (!Alive()) return;
    // Shared, because std::function must be copyable.
    auto held = std::make_shared<ToCentre>(std::move(message));
    centre_.Hear([self = shared_from_this(), held] {
      if (self->Alive()) std::visit([&](auto& part) { self->Handle(part); }, *held);
    });
  }

  void OnLost() {
    if (!Alive()) return;
    if (ticket_) centre_.streams_->Close(*ticket_);
    centre_.sessions_.erase(stream_->number);
  }

  void PushBack(std::chrono::milliseconds delay) { Respond(Pushback{delay}); }
  void End() {
    const auto self = shared_from_this();
    centre_.network_.CloseByCentre(stream_);
    OnLost();
  }

 private:
  // A session belongs to one run of the process.
  [[nodiscard]] bool Alive() const { return centre_.Running() && centre_.run_ == run_; }

  void Handle(Hello& hello) {
    if (!CheckHello(hello)) return End();
    identity_ = {hello.store_id, hello.terminal_id};
    const auto opened = centre_.streams_->Open(identity_, hello.instance_id, hello.stream_generation,
                                               [weak = weak_from_this()] {
                                                 if (const auto older = weak.lock()) older->End();
                                               });
    if (!opened) return End();
    ticket_ = opened->ticket;
    auto greeting = std::make_shared<Greeting>();
    centre_.store_->Submit({[self = shared_from_this(), hello = std::move(hello), greeting] {
                              *greeting = Greet(*self->centre_.sabotaged_, hello, self->centre_.backed_up_);
                            },
                            [self = shared_from_this(), greeting](const Result<void>& committed) {
                              if (!committed) return self->End();
                              self->RespondWith(*greeting);
                            }});
  }

  void RespondWith(Greeting& greeting) {
    greeting.welcome.ledger_incarnation = centre_.ledger_->Incarnation();
    greeting.welcome.server_time = centre_.clock_.WallNow();
    greeting.welcome.limits.max_batch_records = 8;
    greeting.welcome.limits.digest_interval = 60s;
    Respond(std::move(greeting.welcome));
    if (greeting.start_new_epoch) Respond(*greeting.start_new_epoch);
  }

  void Handle(EventBatch& batch) {
    auto inspected =
        std::make_shared<InspectedBatch>(Inspect(std::move(batch), identity_, centre_.shared_.rules));
    if (centre_.bug_ == SimBug::kLanesIgnored) {
      for (Record& record : inspected->batch.records) record.lane_predecessor.reset();
    }
    if (centre_.bug_ == SimBug::kCentreTrustsHashes && centre_.world_.OneIn(10)) {
      inspected->batch.records.front().event.back() ^= 1;
    }
    Submit([inspected](LedgerTransaction& ledger, const StreamIdentity& identity, WallTime now) {
      return Accept(ledger, identity, *inspected, now);
    });
  }

  void Handle(Tombstones& tombstones) {
    Submit([tombstones = std::move(tombstones)](LedgerTransaction& ledger, const StreamIdentity& identity,
                                                WallTime now) {
      return Accept(ledger, identity, tombstones, now);
    });
  }

  void Handle(Digest& digest) {
    if (!ticket_ || !CheckLimits(digest)) return End();
    auto lacking = std::make_shared<std::map<std::uint64_t, std::uint64_t>>();
    centre_.store_->Submit({[self = shared_from_this(), digest = std::move(digest), lacking] {
                              lacking->clear();
                              for (const EpochDigest& epoch : digest.epochs) {
                                EpochRecord record;
                                record.digest = epoch;
                                record.facts = ReadEpochFacts(self->centre_.ledger_->Transaction(),
                                                              self->identity_, epoch);
                                (*lacking)[epoch.epoch] = record.Unexplained();
                              }
                            },
                            [self = shared_from_this(), lacking](const Result<void>& committed) {
                              if (!committed) return;
                              for (const auto& [epoch, events] : *lacking)
                                self->centre_.shared_.lacking[epoch] = events;
                            }});
  }

  template <typename Judge>
  void Submit(Judge judge) {
    if (!ticket_) return End();
    auto answer = std::make_shared<std::optional<BatchResult>>();
    centre_.store_->Submit(
        {[self = shared_from_this(), judge = std::move(judge), answer] {
           answer->reset();
           if (!self->centre_.streams_->MayWrite(*self->ticket_)) return;
           *answer = judge(*self->centre_.sabotaged_, self->identity_, self->centre_.clock_.WallNow());
         },
         [self = shared_from_this(), answer](const Result<void>& committed) {
           if (!committed || !*answer) return self->End();
           self->centre_.ReadNewEntries();
           for (const RecordResult& result : (*answer)->results) {
             if (result.disposition != Disposition::kConflict && result.disposition != Disposition::kParked)
               continue;
             self->centre_.world_.Trace(self->centre_.name_,
                                        fmt::format("stream {}: {}", self->stream_->number, result.detail));
           }
           self->Respond(std::move(**answer));
         }});
  }

  void Respond(ToAgent message) { centre_.network_.SendDown(stream_, std::move(message)); }

  SimCentre& centre_;
  const std::uint64_t run_;
  const std::shared_ptr<SimStream> stream_;
  StreamIdentity identity_;
  std::optional<StreamRegistry::Ticket> ticket_;
};

SimCentre::SimCentre(SimWorld& world, SimNetwork& network, SimOracle& oracle, SimBug bug, BackedUp backed_up,
                     SimLedger& ledger, std::string name)
    : world_(world),
      network_(network),
      oracle_(oracle),
      bug_(bug),
      backed_up_(bug == SimBug::kBackupMarkTooHigh ? BackedUp::kAccepted : backed_up),
      shared_(ledger),
      name_(std::move(name)),
      clock_(world, kClockRate) {}

void SimCentre::Start() {
  if (Running()) return;
  // The other's handles must not die of that.
  if (!shared_.open) shared_.disk.Restart();
  DatabaseOptions options{shared_.disk.Name(),
                          bug_ == SimBug::kCentreNeverSyncs ? Synchronous::kOff : Synchronous::kFull};
  auto opened = SqliteLedger::Open(shared_.directory.Path() / kLedgerFile, world_.Random(), options);
  if (shared_.open) {
    if (opened) oracle_.Complain(name_ + " could open a ledger that another replica has open");
    return StartSoon();
  }
  if (!opened) {
    world_.Trace(name_, "cannot start: " + opened.error().Text());
    return StartSoon();
  }
  world_.Trace(name_, "started");
  ledger_ = std::move(*opened);
  shared_.open = true;
  const bool forgets = shared_.openings++ > 0 && bug_ == SimBug::kCentreForgetsRanges;
  sabotaged_ = MakeSabotagedLedger(ledger_->Transaction(), {forgets, bug_ == SimBug::kCentreForgetsMoves});
  streams_ = std::make_unique<StreamRegistry>();
  ++run_;
  store_ = std::make_unique<SimStore>(
      world_, *ledger_, bug_ == SimBug::kCentreAnswersBeforeCommit, [this] { return Disk().ProgramRuns(); },
      [this] { DieSoon(); });
  // What was committed and not yet read before the process died.
  ReadNewEntries();
  network_.accept = [this](const std::shared_ptr<SimStream>& stream) {
    const auto session = std::make_shared<Session>(*this, stream);
    sessions_[stream->number] = session;
    // The session holds its stream, so the stream must not hold it.
    const std::weak_ptr<Session> weak = session;
    stream->to_centre = [weak](ToCentre message) {
      if (const auto open = weak.lock()) open->OnMessage(std::move(message));
    };
    stream->centre_lost = [this, weak] {
      Hear([weak] {
        if (const auto open = weak.lock()) open->OnLost();
      });
    };
  };
}

void SimCentre::Kill() {
  if (!Running()) return;
  Disk().KillProgram();
  Die("killed");
}

void SimCentre::LosePower() {
  Disk().PowerCut(&world_.Random());
  if (Running()) Die("lost power");
}

void SimCentre::TakeBackup() {
  if (!Running()) return;
  world_.Trace(name_, "backup taken");
  shared_.backup = Disk().Copy(shared_.directory.Path().string());
}

void SimCentre::RestoreBackup() {
  if (!shared_.backup) return;
  if (Running()) Die("stopped for a restore");
  world_.Trace(name_, "an older ledger is put back");
  Disk().Replace(shared_.directory.Path().string(), *shared_.backup);
  shared_.restored_at = world_.Now();
  oracle_.ForgetLedger();
  shared_.read_through = 0;
}

void SimCentre::PushBack() {
  const auto sessions = sessions_;
  for (const auto& entry : sessions)
    entry.second->PushBack(std::chrono::milliseconds(200 + world_.Below(5000)));
}

void SimCentre::Hang() {
  if (!Running() || hangs_) return;
  world_.Trace(name_, "hangs");
  hangs_ = true;
  store_->Hold(true);
  const auto if_it_hangs = [this, run = run_](auto what) {
    return [this, run, what] {
      if (run == run_ && hangs_) what();
    };
  };
  world_.In(kKeepalive, if_it_hangs([this] { network_.LoseAgents(); }));
  const bool killed = world_.OneIn(2);
  world_.In(world_.Between(5s, 90s), if_it_hangs([this, killed] { killed ? Kill() : GoOn(); }));
}

void SimCentre::GoOn() {
  world_.Trace(name_, "goes on");
  hangs_ = false;
  store_->Hold(false);
  for (const auto& what : std::exchange(heard_late_, {})) what();
}

void SimCentre::Hear(std::function<void()> what) {
  if (!hangs_) return what();
  heard_late_.push_back(std::move(what));
}

void SimCentre::Die(const std::string& how) {
  world_.Trace(name_, how);
  network_.accept = nullptr;
  hangs_ = false;
  heard_late_.clear();
  const auto sessions = std::exchange(sessions_, {});
  store_.reset();
  // A dead process writes nothing more: its handles are dead already.
  Disk().KillProgram();
  sabotaged_.reset();
  ledger_.reset();
  shared_.open = false;
  network_.BreakAll();
  StartSoon();
}

void SimCentre::StartSoon() {
  world_.In(world_.Between(200ms, 20s), [this] { Start(); });
}

void SimCentre::ReadNewEntries() {
  try {
    ledger_->Begin();
    EntryQuery query;
    query.after_position = shared_.read_through;
    while (true) {
      const EntryPage page = ledger_->Transaction().Read(query);
      for (const StoredEntry& entry : page.entries) oracle_.NoteEntry(entry);
      query.after_position = page.scanned_through;
      shared_.read_through = page.scanned_through;
      if (page.at_end) break;
    }
  } catch (const StorageFault&) {
    DieSoon();
  } catch (const SQLite::Exception&) {
    DieSoon();
  }
  ledger_->Rollback();
}

// Not from within what is about to die.
void SimCentre::DieSoon() {
  world_.In(0us, [this, run = run_] {
    if (run != run_ || !Running()) return;
    Die(!Disk().Powered()       ? "loses power at work"
        : !Disk().ProgramRuns() ? "is killed at work"
                                : "its disk failed");
  });
}

}  // namespace tillwire
