// The centre's end of the stream. The first byte says whether SQLite's ledger judges beside the one in
// memory. Then come steps of one byte, modulo 5, with their arguments:
//   0  a WriteBackRequest: its length in two bytes, and its bytes
//   1  a batch out of one of the histories below, some records perhaps altered
//   2  a tombstone over some of its sequences
//   3  a Hello that holds so much of it
//   4  records of all histories in an order of the input's own
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/limits.h"
#include "ingest/acceptance/acceptor.h"
#include "ingest/acceptance/batch_limits.h"
#include "ingest/acceptance/welcome.h"
#include "ingest/ledger/sqlite_ledger.h"
#include "ingest/oversight/epoch_facts.h"
#include "proto/write_back_codec.h"
#include "tests/fakes/fake_ledger.h"
#include "tests/fakes/fake_rng.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/targets.h"
#include "tests/ingest/chain.h"
#include "tests/support/temp_directory.h"
#include "tillwire/v1/ingestion.pb.h"

namespace tillwire::fuzz {
namespace {

constexpr std::size_t kMaxSteps = 24;

using History = std::vector<Record>;

History RecordsOf(const Chain& chain) {
  History records;
  for (std::uint64_t sequence = 1; sequence <= chain.Last(); ++sequence)
    records.push_back(chain.At(sequence));
  return records;
}

// One terminal's history, a copy of its outbox that goes on by itself, and what both made of a fork. Some
// records are such as the centre parks.
std::vector<History> MakeHistories() {
  Chain first(0xA);
  first.Capture("1");
  const Record second = first.Capture("2");
  first.Capture("1");
  Chain clone = first;
  first.CaptureBytes("order:2", "no event");
  first.Capture("1");
  const auto reused = DecodeEvent(second.event).value().event_id;
  first.CaptureBytes("order:2", EncodeEvent(MakeEvent(Uuid::Parse(reused).value(), "3")));
  first.Capture("4", 501);
  first.Capture("1");
  for (const char* order : {"1", "2", "5"}) clone.Capture(order);

  const auto fork = [](const Chain& chain, std::uint64_t epoch, std::uint64_t from) {
    Chain forked(epoch);
    forked.ContinueLane(chain.At(2));
    forked.ContinueLane(chain.At(3));
    for (std::uint64_t sequence = from; sequence <= chain.Last(); ++sequence)
      forked.Recapture(chain.At(sequence));
    forked.Capture("1");
    return forked;
  };
  return {RecordsOf(first), RecordsOf(clone), RecordsOf(fork(first, 0xB, 4)), RecordsOf(fork(clone, 0xC, 4)),
          RecordsOf(fork(first, 0xD, 6))};
}

const std::vector<History>& Histories() {
  static const std::vector<History> histories = MakeHistories();
  return histories;
}

// SQLite's ledger for the life of the process. Each input's transaction is rolled back.
SqliteLedger& TheSqliteLedger() {
  static const TempDirectory directory;
  static FakeRng rng;
  static const auto ledger =
      SqliteLedger::Open(directory.Path() / "ledger.db", rng, {"", Synchronous::kOff}).value();
  return *ledger;
}

bool Same(const BatchResult& a, const BatchResult& b) {
  return std::ranges::equal(a.results, b.results, [](const RecordResult& one, const RecordResult& other) {
    return one.sequence == other.sequence && one.disposition == other.disposition &&
           one.park_reason == other.park_reason && one.detail == other.detail &&
           one.lane_held == other.lane_held;
  });
}

std::string BytesOf(const Welcome& welcome) {
  v1::WriteBackResponse wire;
  EncodeToAgent(welcome, wire);
  return wire.SerializeAsString();
}

class Centre {
 public:
  explicit Centre(bool with_sqlite) : sqlite_(with_sqlite ? &TheSqliteLedger() : nullptr) {
    fake_.Begin();
    if (sqlite_ != nullptr) sqlite_->Begin();
  }
  ~Centre() {
    if (sqlite_ != nullptr) sqlite_->Rollback();
  }
  Centre(const Centre&) = delete;
  Centre& operator=(const Centre&) = delete;

  // As WriteBackStream does with what it reads.
  void Take(v1::WriteBackRequest wire) {
    auto message = DecodeToCentre(std::move(wire));
    if (!message) return ExpectRefusal(message.error());
    v1::WriteBackRequest once;
    EncodeToCentre(*message, once);
    auto copy = once;
    auto again = DecodeToCentre(std::move(copy));
    Expect(again.ok(), "a message that was read and written can be read");
    v1::WriteBackRequest twice;
    EncodeToCentre(*std::move(again), twice);
    Expect(once.SerializeAsString() == twice.SerializeAsString(), "and is the same");
    std::visit([this](auto& part) { Handle(part); }, *message);
  }

  void Take(ToCentre message) {
    v1::WriteBackRequest wire;
    EncodeToCentre(std::move(message), wire);
    Take(std::move(wire));
  }

 private:
  void Handle(Hello& hello) {
    if (auto checked = CheckHello(hello); !checked) return ExpectRefusal(checked.error());
    for (const BackedUp backed_up : {BackedUp::kAccepted, BackedUp::kNothing}) {
      const Greeting greeting = Greet(fake_.Transaction(), hello, backed_up);
      const bool ours = hello.store_id == kTerminal.store_id && hello.terminal_id == kTerminal.terminal_id;
      CheckWelcome(greeting.welcome, ours);
      if (sqlite_ == nullptr) continue;
      const Greeting other = Greet(sqlite_->Transaction(), hello, backed_up);
      Expect(BytesOf(greeting.welcome) == BytesOf(other.welcome), "both ledgers give the same Welcome");
      Expect(greeting.start_new_epoch.has_value() == other.start_new_epoch.has_value(),
             "and see the same fork");
    }
  }

  void Handle(EventBatch& batch) {
    if (auto limits = CheckLimits(batch, {}); !limits) return ExpectRefusal(limits.error());
    const auto inspected = Inspect(batch, kTerminal, {});
    const auto answer = Judge(inspected);
    Expect(answer.results.size() == batch.records.size(), "each record has a result");
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      CheckRecord(batch.records[i], inspected.inspections[i], answer.results[i]);
    }
    // The same again changes nothing.
    const auto again = Judge(inspected);
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      const bool has_it = answer.results[i].disposition == Disposition::kAccepted ||
                          answer.results[i].disposition == Disposition::kDuplicate;
      Expect(!has_it || again.results[i].disposition == Disposition::kDuplicate, "a repeat is a duplicate");
      if (!has_it) CheckRecord(batch.records[i], inspected.inspections[i], again.results[i]);
    }
  }

  void Handle(Tombstones& tombstones) {
    if (auto limits = CheckLimits(tombstones, {}); !limits) return ExpectRefusal(limits.error());
    const auto answer =
        Both([&](Ledger& ledger) { return Accept(ledger.Transaction(), kTerminal, tombstones, kNow); });
    Expect(answer.results.size() == tombstones.tombstones.size(), "each tombstone has a result");
    for (std::size_t i = 0; i < answer.results.size(); ++i) {
      const Tombstone& tombstone = tombstones.tombstones[i];
      const auto disposition = answer.results[i].disposition;
      Expect(disposition == Disposition::kTombstoned || disposition == Disposition::kDuplicate ||
                 disposition == Disposition::kConflict,
             "a tombstone takes effect, is known, or is in conflict");
      if (disposition != Disposition::kConflict) closed_.Add({tombstone.first, tombstone.last});
    }
  }

  void Handle(Digest& digest) {
    if (auto limits = CheckLimits(digest); !limits) return ExpectRefusal(limits.error());
    for (const EpochDigest& epoch : digest.epochs) {
      const EpochFacts facts = ReadEpochFacts(fake_.Transaction(), kTerminal, epoch);
      Expect(facts.missing + facts.parked <= epoch.kept_through, "no more is missing than was kept");
      Expect(facts.missing_resolved <= facts.missing, "nor more of it resolved");
      if (sqlite_ == nullptr) continue;
      const EpochFacts other = ReadEpochFacts(sqlite_->Transaction(), kTerminal, epoch);
      Expect(facts.missing == other.missing && facts.missing_resolved == other.missing_resolved &&
                 facts.missing_ranges == other.missing_ranges && facts.parked == other.parked &&
                 facts.hash_differs == other.hash_differs,
             "both ledgers lack the same");
    }
  }

  BatchResult Judge(const InspectedBatch& inspected) {
    return Both([&](Ledger& ledger) { return Accept(ledger.Transaction(), kTerminal, inspected, kNow); });
  }

  template <typename Work>
  BatchResult Both(Work work) {
    const BatchResult answer = work(fake_);
    if (sqlite_ != nullptr) Expect(Same(answer, work(*sqlite_)), "both ledgers answer the same");
    return answer;
  }

  void CheckRecord(const Record& record, const Inspection& inspection, const RecordResult& result) {
    Expect(result.sequence == record.id.sequence, "a result names its record");
    if (!record.HashMatches()) {
      Expect(result.disposition == Disposition::kParked && result.park_reason == ParkReason::kHashMismatch,
             "a record whose hash fails is parked");
      return;
    }
    if (result.disposition == Disposition::kDuplicate) held_.emplace(record.id, record.hash);
    if (result.disposition == Disposition::kTombstoned) closed_.Add({record.id.sequence, record.id.sequence});
    if (result.disposition != Disposition::kAccepted) return;
    Expect(inspection.reason == ParkReason::kUnspecified, "nothing stands against what is accepted");
    Expect(held_.emplace(record.id, record.hash).second, "a sequence is accepted once");
    Expect(in_effect_.insert(inspection.event_id.value()).second, "an event takes effect once");
    if (!record.lane_predecessor) return;
    const auto before = held_.find(record.lane_predecessor->id);
    const bool accepted = before != held_.end() && before->second == record.lane_predecessor->hash;
    Expect(accepted || closed_.Contains(record.lane_predecessor->id.sequence),
           "a record takes effect after its lane's record before it");
  }

  void CheckWelcome(const Welcome& welcome, bool ours) {
    for (const EpochState& state : welcome.epochs) {
      IntervalSet taken;
      const auto take = [&taken](std::uint64_t first, std::uint64_t last) {
        Expect(first >= 1 && first <= last && last <= kMaxSequence, "a range counts from 1 and ascends");
        const auto next = taken.FirstRangeAtOrAfter(first);
        Expect(!taken.Contains(first) && (!next || next->first > last), "no sequence is said twice");
        taken.Add({first, last});
      };
      for (const AcceptedRange& range : state.accepted) take(range.first, range.last);
      for (const TombstonedRange& range : state.tombstoned) take(range.first, range.last);
      for (const ResolvedSequence& parked : state.parked) take(parked.sequence, parked.sequence);
      for (const auto& [id, hash] : held_) {
        Expect(!ours || id.epoch != state.epoch || taken.Contains(id.sequence),
               "what was accepted is in Welcome");
      }
    }
    // The agent must understand it.
    v1::WriteBackResponse wire;
    EncodeToAgent(welcome, wire);
    const auto read = DecodeToAgent(std::move(wire));
    Expect(read.ok(), "the agent can read a Welcome: " + (read ? "" : read.error().Text()));
  }

  FakeLedger fake_;
  SqliteLedger* const sqlite_;
  std::map<RecordId, Hash> held_;
  std::set<Uuid> in_effect_;
  IntervalSet closed_;  // over all epochs: enough to tell that a tombstone may have been the reason
};

// Changes one field, and with `rehash` the hash with it. Without, the hash must not match any more.
void Alter(ByteSource& source, Record& record) {
  const std::size_t field = source.Below(7);
  const bool rehash = source.Flip();
  const Record before = record;
  switch (field) {
    case 0:
      record.id.sequence = source.Borderline();
      break;
    case 1:
      record.lane += static_cast<char>(source.Byte());
      break;
    case 2:
      record.lane_predecessor = RecordRef{{source.Below(5) + 0xA, source.Borderline()}, record.hash};
      break;
    case 3:
      record.previous_hash.bytes[source.Below(32)] ^= static_cast<std::uint8_t>(source.Byte() | 1U);
      break;
    case 4:
      record.event += static_cast<char>(source.Byte());
      break;
    case 5:
      record.origin = RecordRef{{source.Below(5) + 0xA, source.Borderline()}, record.previous_hash};
      break;
    default:
      record.hash.bytes[source.Below(32)] ^= static_cast<std::uint8_t>(source.Byte() | 1U);
  }
  const bool same = record.id == before.id && record.lane_predecessor == before.lane_predecessor;
  const bool hashed = field != 5 && !(same && (field == 0 || field == 2));
  if (hashed) Expect(!record.HashMatches(), "a record that was changed fails its hash");
  if (rehash) {
    record.hash =
        RecordHash(record.id, record.lane, record.lane_predecessor, record.previous_hash, record.event);
  }
}

std::optional<Hash> SomeHash(ByteSource& source, const Hash& right) {
  switch (source.Below(4)) {
    case 0:
      return std::nullopt;
    case 1:
      return Sha256(source.Bytes(1));
    default:
      return right;
  }
}

const History& SomeHistory(ByteSource& source) {
  return Histories()[source.Below(Histories().size())];
}

EventBatch SomeBatch(ByteSource& source) {
  const History& history = SomeHistory(source);
  const std::size_t first = source.Below(history.size());
  const std::size_t count = 1 + source.Below(history.size() - first);
  EventBatch batch{source.Byte(), history.front().id.epoch, {}};
  for (std::size_t i = first; i < first + count; ++i) {
    batch.records.push_back(history[i]);
    if (source.Below(8) == 7) Alter(source, batch.records.back());
  }
  return batch;
}

Tombstones SomeTombstone(ByteSource& source) {
  const History& history = SomeHistory(source);
  const std::size_t first = source.Below(history.size());
  const std::size_t last = first + source.Below(history.size() - first);
  Tombstone tombstone;
  tombstone.epoch = history.front().id.epoch;
  tombstone.first = first + 1;
  tombstone.last = last + 1;
  tombstone.last_hash = SomeHash(source, history[last].hash);
  tombstone.previous_hash = SomeHash(source, history[first].previous_hash);
  if (source.Below(16) == 15) tombstone.last = source.Borderline();
  tombstone.kind = static_cast<TombstoneKind>(source.Below(4));
  return {1, {tombstone}};
}

Hello SomeHello(ByteSource& source) {
  Hello hello{kTerminal.store_id, kTerminal.terminal_id, {}, 1, {}, "fuzz"};
  const std::size_t epochs = source.Below(4);
  for (std::size_t i = 0; i < epochs; ++i) {
    const History& history = SomeHistory(source);
    const std::size_t last = source.Below(history.size() + 1);
    EpochSummary summary{history.front().id.epoch, 1 + source.Below(last + 1), last, {}, {}};
    if (source.Below(8) == 7) summary.last = source.Borderline();
    if (source.Below(8) == 7) summary.first_retained = source.Borderline();
    hello.epochs.push_back(summary);
  }
  return hello;
}

void Step(ByteSource& source, Centre& centre) {
  switch (source.Below(5)) {
    case 0: {
      v1::WriteBackRequest wire;
      const auto bytes = source.Bytes(source.Number(2));
      if (wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) centre.Take(std::move(wire));
      return;
    }
    case 1:
      return centre.Take(SomeBatch(source));
    case 2:
      return centre.Take(SomeTombstone(source));
    case 3:
      return centre.Take(SomeHello(source));
    default:
      for (std::size_t count = source.Below(8); count > 0; --count) {
        const History& history = SomeHistory(source);
        const Record& record = history[source.Below(history.size())];
        centre.Take(EventBatch{1, record.id.epoch, {record}});
      }
  }
}

}  // namespace

void FuzzToCentre(std::string_view input) {
  ByteSource source(input);
  Centre centre(source.Below(4) == 1);
  for (std::size_t step = 0; step < kMaxSteps && !source.AtEnd(); ++step) Step(source, centre);
  // At last, all that any copy of the terminal holds.
  for (const History& history : Histories()) {
    Hello hello{kTerminal.store_id, kTerminal.terminal_id, {}, 1, {}, "fuzz"};
    hello.epochs.push_back({history.front().id.epoch, 1, history.size(), {}, {}});
    centre.Take(hello);
  }
}

}  // namespace tillwire::fuzz
