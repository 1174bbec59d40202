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
    std::visit([this](auto& part) { Handle(part); }, message);
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
    auto inspected = std::make_shared<InspectedBatch>(Inspect(std::move(batch), identity_, centre_.rules_));
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
                                self->centre_.lacking_[epoch] = events;
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
             self->centre_.world_.Trace("centre",
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

SimCentre::SimCentre(SimWorld& world, SimNetwork& network, SimOracle& oracle, SimBug bug, BackedUp backed_up)
    : world_(world),
      network_(network),
      oracle_(oracle),
      bug_(bug),
      backed_up_(bug == SimBug::kBackupMarkTooHigh ? BackedUp::kAccepted : backed_up),
      disk_("sim-centre"),
      clock_(world, kClockRate) {}

void SimCentre::Start() {
  if (Running()) return;
  disk_.Restart();
  DatabaseOptions options{disk_.Name(),
                          bug_ == SimBug::kCentreNeverSyncs ? Synchronous::kOff : Synchronous::kFull};
  auto opened = SqliteLedger::Open(directory_.Path() / kLedgerFile, world_.Random(), options);
  if (!opened) {
    world_.Trace("centre", "cannot start: " + opened.error().Text());
    return StartSoon();
  }
  world_.Trace("centre", "started");
  ledger_ = std::move(*opened);
  const bool forgets = run_ > 0 && bug_ == SimBug::kCentreForgetsRanges;
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
    stream->centre_lost = [weak] {
      if (const auto open = weak.lock()) open->OnLost();
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
  world_.Trace("centre", "backup taken");
  backup_ = Disk().Copy(directory_.Path().string());
}

void SimCentre::RestoreBackup() {
  if (!backup_) return;
  if (Running()) Die("stopped for a restore");
  world_.Trace("centre", "an older ledger is put back");
  Disk().Replace(directory_.Path().string(), *backup_);
  restored_at_ = world_.Now();
  oracle_.ForgetLedger();
  read_through_ = 0;
}

void SimCentre::PushBack() {
  const auto sessions = sessions_;
  for (const auto& entry : sessions)
    entry.second->PushBack(std::chrono::milliseconds(200 + world_.Below(5000)));
}

std::uint64_t SimCentre::Lacking() const {
  std::uint64_t sum = 0;
  for (const auto& [epoch, events] : lacking_) sum += events;
  return sum;
}

void SimCentre::Die(const std::string& how) {
  world_.Trace("centre", how);
  network_.accept = nullptr;
  const auto sessions = std::exchange(sessions_, {});
  store_.reset();
  // A dead process writes nothing more: its handles are dead already.
  Disk().KillProgram();
  sabotaged_.reset();
  ledger_.reset();
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
    query.after_position = read_through_;
    while (true) {
      const EntryPage page = ledger_->Transaction().Read(query);
      for (const StoredEntry& entry : page.entries) oracle_.NoteEntry(entry);
      query.after_position = page.scanned_through;
      read_through_ = page.scanned_through;
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
