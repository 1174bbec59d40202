#include "tests/storage/flip_world.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "core/epoch.h"
#include "core/limits.h"
#include "ingest/acceptance/welcome.h"
#include "tests/ingest/chain.h"

namespace tillwire {
namespace {

constexpr int kMaxRounds = 30;
constexpr std::size_t kTooManyLines = 60;  // for this centre

std::string Named(const RecordId& id) {
  return "sequence " + std::to_string(id.sequence) + " of epoch " + EpochName(id.epoch);
}

}  // namespace

// What a terminal's stream reaches.
class FlipWorld::Centre {
 public:
  Centre() { rules_.max_lines = kTooManyLines - 1; }

  BatchResult Take(const ToCentre& message) {
    ledger_.Begin();
    BatchResult result;
    if (const auto* batch = std::get_if<EventBatch>(&message)) {
      result = Accept(ledger_, kTerminal, Inspect(*batch, kTerminal, rules_), kNow);
    } else {
      result = Accept(ledger_, kTerminal, std::get<Tombstones>(message), kNow);
    }
    ledger_.Commit();
    return result;
  }
  Greeting Welcome(std::vector<EpochSummary> epochs) {
    Hello hello;
    hello.store_id = kTerminal.store_id;
    hello.terminal_id = kTerminal.terminal_id;
    hello.epochs = std::move(epochs);
    return Greet(ledger_, hello, BackedUp::kAccepted);
  }
  std::vector<StoredEntry> Entries() {
    EntryQuery query;
    query.max_entries = 10000;
    return ledger_.Read(query).entries;
  }

 private:
  FakeLedger ledger_;
  AcceptanceRules rules_;
};

template <typename Body>
auto FlipWorld::Transact(Body body) {
  outbox_->Begin();
  try {
    if constexpr (std::is_void_v<decltype(body(*outbox_))>) {
      body(*outbox_);
      outbox_->Commit();
    } else {
      auto result = body(*outbox_);
      outbox_->Commit();
      return result;
    }
  } catch (const StorageFault&) {
    outbox_->Rollback();
    throw;
  }
}

FlipWorld::FlipWorld() : disk_("flip-world") {
  options_.directory = directory_.Path();
  options_.store_id = kTerminal.store_id;
  options_.terminal_id = kTerminal.terminal_id;
  options_.machine_id = "machine-1";
  options_.reserve_bytes = 64 << 10;
  options_.database.vfs = disk_.Name();
  outbox_ = Outbox::Open(options_, clock_, rng_).value();
  Centre centre;
  const auto send = [&](std::uint64_t count) {
    auto page = Transact([&](Outbox& box) { return box.ReadPending(0, count, 1 << 20); });
    EventBatch batch{1, page.records.front().record.id.epoch, {}};
    for (PendingRecord& pending : page.records) batch.records.push_back(std::move(pending.record));
    const BatchResult answer = centre.Take(batch);
    std::vector<EventOutcome> outcomes;
    for (std::size_t i = 0; i < answer.results.size(); ++i)
      outcomes.push_back({page.records[i].position, answer.results[i]});
    Transact([&](Outbox& box) { box.ApplyOutcomes(outcomes); });
    sent_.emplace_back(std::move(batch));
  };
  for (int i = 0; i < 24; ++i) {
    Capture("A" + std::to_string(i % 7), i == 10 || i == 15 ? kTooManyLines : 1 + i % 5);
  }
  send(16);
  // One that is parked is given up by a person; the other stays parked.
  Transact([&](Outbox& box) {
    REQUIRE(box.Release(acknowledged_[10].event_id, "released by 0815: entered twice").ok());
  });
  given_up_.insert(10);
  Transact([&](Outbox& box) { box.StartEpoch("an older copy was put back"); });
  for (int i = 0; i < 24; ++i) Capture("B" + std::to_string(i % 9), i == 7 ? 55 : 1 + i % 4);
  // Closing moves the log into the database.
  outbox_.reset();
  outbox_ = Outbox::Open(options_, clock_, rng_).value();
  for (int i = 0; i < 10; ++i) Capture("C" + std::to_string(i % 4), 1 + i % 3);
  outbox_->SyncHighWaterMark();
  older_mark_ = CopyFiles().at("outbox.hwm");
  older_sequence_ = acknowledged_.back().id.sequence;
  for (int i = 0; i < 6; ++i) Capture("C" + std::to_string(i % 4), 2);
  killed_ = CopyFiles();
  outbox_.reset();
}

FlipWorld::Files FlipWorld::CopyFiles() const {
  Files files;
  const std::string prefix = directory_.Path().string() + "/";
  for (auto& [path, content] : const_cast<FlipWorld*>(this)->disk_.Disk().Copy(prefix)) {
    files[path.substr(prefix.size())] = content;
  }
  return files;
}

void FlipWorld::Capture(const std::string& order, std::size_t lines) {
  clock_.Advance(std::chrono::seconds(20));
  CaptureInput input;
  input.event_id = event_ids_.Make(clock_.WallNow());
  input.lane = "order:" + order;
  input.event = EncodeEvent(MakeEvent(input.event_id, order, lines));
  input.captured_at = clock_.WallNow();
  input.idempotency = {Sha256(input.event_id.AsBytes()), Sha256(input.event)};
  const auto captured = Transact([&](Outbox& box) { return box.Capture(input); });
  REQUIRE(captured.ok());
  acknowledged_.push_back({captured->id, input.lane, input.event, input.event_id});
}

FlipReport FlipWorld::Run(const Files& files, bool mark_is_older) {
  FlipReport report;
  const std::string prefix = directory_.Path().string() + "/";
  std::map<std::string, std::string> placed;
  for (const auto& [name, content] : files) placed[prefix + name] = content;
  disk_.Disk().Replace(prefix, placed);
  Centre centre;
  for (const ToCentre& message : sent_) centre.Take(message);
  auto opened = Outbox::Open(options_, clock_, rng_);
  if (!opened) {
    report.outcome = FlipOutcome::kRefused;
    if (opened.error().code != ErrorCode::kFailedPrecondition) {
      report.complaints.push_back("it is not opened: " + opened.error().Text());
    }
    Files now = CopyFiles();
    if (now.at("outbox.db") != files.at("outbox.db")) report.complaints.emplace_back("refused, and changed");
    return report;
  }
  outbox_ = std::move(*opened);
  Drain(centre, report);
  // Whether a parked event can still be read shows when a person sends it again.
  Transact([](Outbox& box) { return box.RequeueAll("TOO_MANY_LINES"); });
  Drain(centre, report);
  Judge(centre, files, mark_is_older, report);
  outbox_.reset();
  return report;
}

// Connections, until nothing changes any more.
void FlipWorld::Drain(Centre& centre, FlipReport& report) {
  for (int round = 1;; ++round) {
    try {
      if (!Connect(centre)) return;
    } catch (const StorageFault& fault) {
      if (round == kMaxRounds) report.complaints.push_back("it ends in: " + fault.error().Text());
    }
    if (round == kMaxRounds) return;
    clock_.Advance(std::chrono::minutes(2));
  }
}

// One connection; true if there is a reason for another.
bool FlipWorld::Connect(Centre& centre) {
  auto epochs = Transact([](Outbox& box) { return box.Epochs(); });
  const Greeting greeting = centre.Welcome(std::move(epochs));
  if (greeting.start_new_epoch) Transact([](Outbox& box) { box.StartEpoch("the centre asks for it"); });
  Transact([&](Outbox& box) { box.ApplyWelcome(greeting.welcome); });
  for (int sweep = 0; sweep < kMaxRounds; ++sweep) {
    const auto losses = AnnounceLosses(centre);
    const auto events = losses == Sweep::kForked ? losses : SendPending(centre);
    if (events == Sweep::kForked) return true;
    if (losses == Sweep::kNothing && events == Sweep::kNothing) return sweep > 0;
  }
  return true;
}

FlipWorld::Sweep FlipWorld::AnnounceLosses(Centre& centre) {
  const auto lost = Transact([](Outbox& box) { return box.UnannouncedLostRanges(1000); });
  Sweep sweep = Sweep::kNothing;
  for (const LostRange& range : lost.ranges) {
    const auto answer = centre.Take(Tombstones{1, {range.tombstone}}).results.at(0);
    if (answer.disposition == Disposition::kDuplicate) {
      Transact([&](Outbox& box) { box.DropLostRanges({range.row}); });
    } else if (answer.disposition == Disposition::kConflict && range.movable) {
      Transact([&](Outbox& box) { box.MoveSuffix(range.tombstone.epoch, answer.detail); });
      return Sweep::kForked;
    } else if (answer.disposition != Disposition::kRetry) {
      Transact([&](Outbox& box) { box.MarkAnnounced({range.row}); });
    } else {
      continue;
    }
    sweep = Sweep::kProgress;
  }
  return sweep;
}

FlipWorld::Sweep FlipWorld::SendPending(Centre& centre) {
  const auto page = Transact([](Outbox& box) { return box.ReadPending(0, 1000, 16 << 20); });
  Sweep sweep = page.damaged.empty() ? Sweep::kNothing : Sweep::kProgress;
  for (const PendingRecord& pending : page.records) {
    const auto answer = centre.Take(EventBatch{1, pending.record.id.epoch, {pending.record}}).results.at(0);
    if (answer.disposition == Disposition::kConflict) {
      Transact([&](Outbox& box) { box.MoveSuffix(pending.record.id.epoch, answer.detail); });
      return Sweep::kForked;
    }
    if (answer.disposition != Disposition::kRetry) sweep = Sweep::kProgress;
    Transact([&](Outbox& box) { box.ApplyOutcomes({{pending.position, answer}}); });
  }
  return sweep;
}

void FlipWorld::Judge(Centre& centre, const Files& before, bool mark_is_older, FlipReport& report) {
  std::map<std::string, std::size_t> number_of;  // by bytes
  for (std::size_t i = 0; i < acknowledged_.size(); ++i) number_of[acknowledged_[i].event] = i;
  std::map<std::size_t, std::uint64_t> in_effect;
  std::map<std::uint64_t, IntervalSet> closed;  // at the centre
  for (const StoredEntry& entry : centre.Entries()) {
    if (entry.kind == EntryKind::kTombstone) {
      closed[entry.epoch].Add({entry.sequence, entry.last_sequence});
    }
    if (entry.kind != EntryKind::kAccepted) continue;
    const auto known = number_of.find(entry.event);
    if (known == number_of.end()) {
      report.complaints.push_back("altered: " + Named({entry.epoch, entry.sequence}));
    } else if (!in_effect.emplace(known->second, entry.position).second) {
      report.complaints.push_back("doubled: " + Named(acknowledged_[known->second].id));
    }
  }
  std::map<std::string, std::uint64_t> last_in_lane;
  for (const auto& [number, position] : in_effect) {
    std::uint64_t& last = last_in_lane[acknowledged_[number].lane];
    if (position < last) report.complaints.push_back("out of order: " + Named(acknowledged_[number].id));
    last = std::max(last, position);
    if (given_up_.count(number) != 0) ++report.reread;
  }
  // Named here, and at the centre when what its lane puts before it is resolved there.
  std::set<RecordId> held_back;
  outbox_->Begin();
  for (const Outbox::CarriedLoss& loss : outbox_->CarriedLosses()) {
    const RecordId id{loss.range.tombstone.epoch, loss.range.tombstone.first};
    if (!loss.awaits) report.complaints.push_back("never announced: " + Named(id));
    held_back.insert(id);
  }
  for (std::size_t i = 0; i < acknowledged_.size(); ++i) {
    const Acknowledged& event = acknowledged_[i];
    if (in_effect.count(i) != 0) continue;
    const auto found = outbox_->Find(event.event_id);
    // Parked, or behind one that is.
    const bool waits = found && (found->state == EventState::kParked || found->held_by.has_value());
    if (waits && found->event == event.event) continue;
    // A fork may have given it another identity.
    const RecordId id = found ? found->id : event.id;
    const bool is_named = closed[id.epoch].Contains(id.sequence) || held_back.count(id) != 0;
    if (is_named || closed[event.id.epoch].Contains(event.id.sequence)) {
      if (given_up_.count(i) == 0) ++report.named;
    } else if (mark_is_older && event.id.epoch == acknowledged_.back().id.epoch &&
               event.id.sequence > older_sequence_) {
      ++report.residual;
    } else {
      report.complaints.push_back("silently lost: " + Named(event.id));
    }
  }
  const Digest digest = outbox_->ReadDigest();
  for (const EpochDigest& epoch : digest.epochs) {
    if (!epoch.AddsUp())
      report.complaints.push_back("the digest of epoch " + EpochName(epoch.epoch) + " does not add up");
  }
  outbox_->Rollback();
  if (std::getenv("TILLWIRE_FLIP") != nullptr) {
    for (const Incident& incident : outbox_->Status().incidents)
      std::cout << "  said: " << incident.text << '\n';
  }
  bool set_aside = false;
  for (const auto& [name, content] : CopyFiles()) {
    if (name.rfind("outbox.damaged-", 0) != 0) continue;
    set_aside = true;
    const std::string ending = name.substr(name.find('.', 15));
    const std::string original = "outbox" + (ending == ".db-wal" ? std::string(".db-wal") : ending);
    // The mark goes on being written before a salvage that damage met later leads to; and a log may be moved.
    if (report.complaints.empty() && ending == ".db" && before.at(original).size() > content.size()) {
      report.complaints.push_back(name + " is cut");
    }
  }
  report.outcome = report.residual > 0 ? FlipOutcome::kResidual
                   : report.named > 0  ? FlipOutcome::kReported
                   : set_aside         ? FlipOutcome::kSalvaged
                                       : FlipOutcome::kIntact;
}

}  // namespace tillwire
