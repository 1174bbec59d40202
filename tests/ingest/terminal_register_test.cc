// What the centre makes of what terminals say of themselves, in virtual time, over each ledger.
#include "ingest/oversight/terminal_register.h"

#include "ingest/oversight/terminal_codec.h"
#include "tests/ingest/centre.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using enum TerminalFlag;

using Flags = std::vector<TerminalFlag>;

Uuid Instance(std::uint8_t number) {
  Uuid id;
  id.bytes[0] = number;
  return id;
}

// An epoch of which so many sequences, from the first on, are delivered, and the others pending.
EpochDigest Counted(const Chain& chain, std::uint64_t delivered) {
  EpochDigest digest;
  digest.epoch = chain.EpochNumber();
  digest.ordinal = 1;
  digest.last = digest.kept_through = chain.Last();
  if (chain.Last() > 0) digest.last_hash = chain.At(chain.Last()).hash;
  digest.resolved_through = digest.delivered = delivered;
  digest.pending = chain.Last() - delivered;
  digest.why = "the outbox was created";
  return digest;
}

// A centre with its register, in a time that the test holds.
class Watch {
 public:
  explicit Watch(LedgerKind kind = LedgerKind::kFake) : centre(kind) { Restart(); }

  // As if the process had been started anew: only what the ledger kept is known.
  void Restart() {
    terminals = std::make_unique<TerminalRegister>(limits, now);
    centre.InTransaction([&](LedgerTransaction& ledger) {
      terminals->Load(ledger);
      return true;
    });
  }

  void Connect(std::uint8_t instance = 1, const StreamIdentity& identity = kTerminal) {
    terminals->Opened(identity, Instance(instance), "0.1.0", now);
  }
  void Disconnect(std::uint8_t instance = 1, const StreamIdentity& identity = kTerminal) {
    terminals->Closed(identity, Instance(instance), now);
  }

  void Say(Digest digest, std::uint8_t instance = 1, const StreamIdentity& identity = kTerminal) {
    const auto comparison = centre.InTransaction(
        [&](LedgerTransaction& ledger) { return terminals->Compare(ledger, identity, digest.epochs); });
    terminals->Take(identity, Instance(instance), digest, comparison, now);
  }
  void Say(std::vector<EpochDigest> epochs, std::uint8_t instance = 1) {
    Digest digest;
    digest.epochs = std::move(epochs);
    digest.clock_time = now;
    Say(std::move(digest), instance);
  }

  std::size_t Keep() {
    const auto written =
        centre.InTransaction([&](LedgerTransaction& ledger) { return terminals->WriteChanged(ledger); });
    terminals->Confirm(written);
    return written.size();
  }

  TerminalRegister::Seen Look(const StreamIdentity& identity = kTerminal) {
    auto page = terminals->List({identity.store_id, identity.terminal_id}, std::nullopt, 10, now);
    REQUIRE(page.terminals.size() == 1);
    return std::move(page.terminals.front());
  }
  Flags FlagsNow(const StreamIdentity& identity = kTerminal) {
    Flags flags;
    for (const RaisedFlag& raised : Look(identity).flags) flags.push_back(raised.flag);
    return flags;
  }
  std::string Detail(TerminalFlag flag) {
    const auto seen = Look();
    return FlagDetail(flag, seen.record, seen.presence);
  }

  Centre centre;
  FlagLimits limits;
  WallTime now = kNow;
  std::unique_ptr<TerminalRegister> terminals;
};

TEST_CASE("A healthy terminal has no flag, whatever it still has to send") {
  Watch watch(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(9);
  watch.Connect();
  watch.Say({Counted(chain, 0)});
  watch.centre.Send(chain.Batch(1, 4));
  watch.Say({Counted(chain, 4)});
  // What was captured last overtakes, and one event waits for a person.
  watch.centre.Send(chain.Batch(8, 9));
  EpochDigest digest = Counted(chain, 4);
  digest.delivered = 6;
  digest.pending = 3;
  watch.Say({digest});
  watch.now += 10min;
  CHECK(watch.FlagsNow().empty());
  CHECK(watch.Look().record.Waiting() == 3);
  watch.centre.rules.max_lines = 0;
  watch.centre.Send(chain.Batch(5, 7));
  digest.pending = 0;
  digest.parked = 3;
  watch.Say({digest});
  watch.now += 24h;
  CHECK(watch.FlagsNow().empty());
  CHECK(watch.Look().record.Parked() == 3);
  CHECK(watch.Look().presence.instances == 1);
}

TEST_CASE("What is held to be delivered and is not here is a gap once it lasts, with its sequences") {
  Watch watch(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(8);
  watch.centre.Send(chain.Batch(1, 2));
  watch.centre.Send(chain.Batch(5, 6));
  watch.Connect();
  watch.Say({Counted(chain, 8)});
  CHECK(watch.FlagsNow().empty());
  watch.now += watch.limits.gap_after;
  CHECK(watch.FlagsNow() == Flags{kGap});
  CHECK(watch.Detail(kGap) ==
        "the terminal holds 4 events of epoch 0000000000000007 to be delivered (not here: sequences 3 to 4, "
        "sequences 7 to 8)");

  watch.centre.Send(chain.Batch(3, 4));
  watch.centre.Send(chain.Batch(7, 8));
  watch.Say({Counted(chain, 8)});
  CHECK(watch.FlagsNow().empty());
}

TEST_CASE("Events that are pending do not hide a gap") {
  Watch watch;
  Chain chain(7);
  chain.CaptureMany(6);
  watch.centre.Send(chain.Batch(1, 2));
  watch.centre.Send(chain.Batch(4, 4));
  // Sequence 3 is missing, and as many are pending as are missing without it.
  watch.Say({Counted(chain, 4)});
  watch.now += 1h;
  CHECK(watch.FlagsNow() == Flags{kGap});
  CHECK(watch.Look().record.Unexplained() == 1);
}

TEST_CASE("Counts that do not add up, and another record at the end, are gaps") {
  Watch watch;
  Chain chain(7);
  chain.CaptureMany(2);
  watch.centre.Send(chain.Batch(1, 2));
  EpochDigest digest = Counted(chain, 2);
  digest.delivered = 1;
  watch.Say({digest});
  watch.now += 1h;
  CHECK(watch.FlagsNow() == Flags{kGap});
  CHECK_THAT(watch.Detail(kGap), Catch::Contains("do not add up"));
  digest = Counted(chain, 2);
  digest.last_hash = chain.At(1).hash;
  watch.Say({digest});
  CHECK_THAT(watch.Detail(kGap), Catch::Contains("another record"));
  watch.Say({Counted(chain, 2)});
  CHECK(watch.FlagsNow().empty());
}

TEST_CASE("An outbox that was deleted is a new epoch, and a gap of what waited in it") {
  Watch watch(GENERATE(ALL_LEDGERS));
  Chain old(7);
  old.CaptureMany(5);
  watch.centre.Send(old.Batch(1, 3));
  watch.Connect(1);
  watch.Say({Counted(old, 3)});
  watch.Disconnect(1);

  Chain fresh(8);
  fresh.CaptureMany(1);
  watch.centre.Send(fresh.Batch(1, 1));
  watch.Connect(2);
  watch.Say({Counted(fresh, 1)}, 2);
  CHECK(watch.FlagsNow() == Flags{kNewEpoch});
  CHECK_THAT(watch.Detail(kNewEpoch), Catch::Contains("its outbox is new"));
  watch.now += watch.limits.gap_after;
  CHECK(watch.FlagsNow() == Flags{kGap, kNewEpoch});
  CHECK_THAT(watch.Detail(kGap), Catch::Contains("2 events") && Catch::Contains("sequences 4 to 5"));

  // The old file turns up and is sent in.
  watch.centre.Send(old.Batch(4, 5));
  watch.Say({Counted(fresh, 1)}, 2);
  CHECK(watch.FlagsNow() == Flags{kNewEpoch});
  watch.now += watch.limits.keep_flags;
  CHECK(watch.FlagsNow().empty());
}

TEST_CASE("An outbox of which all had arrived can be replaced without a gap") {
  Watch watch;
  Chain old(7);
  old.CaptureMany(3);
  watch.centre.Send(old.Batch(1, 3));
  watch.Say({Counted(old, 3)});
  watch.Say({Counted(Chain(8), 0)}, 2);
  watch.now += 1h;
  CHECK(watch.FlagsNow() == Flags{kNewEpoch});
}

TEST_CASE("Two processes at a time are a duplicate once it lasts, and for a week after") {
  Watch watch;
  watch.Connect(1);
  watch.Connect(2);
  watch.now += watch.limits.duplicate_after - 1s;
  CHECK(watch.FlagsNow().empty());
  watch.now += 1s;
  CHECK(watch.FlagsNow() == Flags{kDuplicate});
  CHECK(watch.Detail(kDuplicate) == "2 processes speak for this terminal");
  watch.Disconnect(2);
  const auto flags = watch.Look().flags;
  REQUIRE(flags.size() == 1);
  CHECK(flags[0].since == kNow);
  CHECK(flags[0].ended == watch.now);
  watch.now += watch.limits.keep_flags;
  CHECK(watch.FlagsNow().empty());
}

TEST_CASE("An agent that is started anew before its old connection is given up is no duplicate") {
  Watch watch;
  Chain chain(7);
  watch.Connect(1);
  watch.Say({Counted(chain, 0)}, 1);
  watch.Connect(2);
  watch.Say({Counted(chain, 0)}, 2);
  watch.now += 40s;
  watch.Disconnect(1);
  watch.now += 1h;
  CHECK(watch.FlagsNow().empty());
}

TEST_CASE(
    "A copy that names an epoch of its own makes no gap while it is connected, and one when it is gone") {
  Watch watch;
  Chain shared(7);
  shared.CaptureMany(2);
  watch.centre.Send(shared.Batch(1, 2));
  Chain of_copy(8);
  of_copy.CaptureMany(3);
  watch.Connect(1);
  watch.Connect(2);
  for (int minute = 0; minute < 20; ++minute) {
    watch.Say({Counted(shared, 2)}, 1);
    watch.Say({Counted(shared, 2), Counted(of_copy, 0)}, 2);
    watch.now += 1min;
  }
  CHECK(watch.FlagsNow() == Flags{kDuplicate, kNewEpoch});
  watch.Disconnect(2);
  watch.Say({Counted(shared, 2)}, 1);
  watch.now += watch.limits.gap_after;
  CHECK(watch.FlagsNow() == Flags{kGap, kDuplicate, kNewEpoch});
}

TEST_CASE("A fork is a duplicate, with its reason") {
  Watch watch;
  watch.Connect();
  watch.terminals->Forked(kTerminal, "its history forked at sequence 4", watch.now);
  CHECK(watch.FlagsNow() == Flags{kDuplicate});
  CHECK(watch.Detail(kDuplicate) == "its history forked at sequence 4");
}

TEST_CASE(
    "A terminal is silent when it has not been heard for long, not while it is connected, nor when the "
    "centre has just come back") {
  Watch watch(GENERATE(ALL_LEDGERS));
  watch.Connect();
  watch.now += 48h;
  CHECK(watch.FlagsNow().empty());
  watch.Disconnect();
  watch.now += 24h - 1s;
  CHECK(watch.FlagsNow().empty());
  watch.now += 1s;
  CHECK(watch.FlagsNow() == Flags{kSilent});
  CHECK(watch.Look().flags[0].since == kNow + 48h);

  watch.Keep();
  watch.now += 48h;
  watch.Restart();
  CHECK(watch.FlagsNow().empty());
  watch.now += kReturnTime;
  CHECK(watch.FlagsNow() == Flags{kSilent});
  watch.Connect();
  CHECK(watch.FlagsNow().empty());
}

TEST_CASE("Backlog, bad files, losses and a wrong clock are flagged as they are told") {
  Watch watch;
  Chain chain(7);
  chain.CaptureMany(4);
  Digest digest;
  digest.epochs = {Counted(chain, 0)};
  digest.oldest_pending_age = 14min;
  digest.clock_time = watch.now - 4min;
  watch.Connect();
  watch.Say(digest);
  CHECK(watch.FlagsNow().empty());
  watch.now += 1min;
  CHECK(watch.FlagsNow() == Flags{kBacklog});
  CHECK(watch.Look().flags[0].since == kNow - 14min);

  digest.spool_bad = 2;
  digest.oldest_pending_age = 15min;
  digest.clock_time = watch.now - 5min;
  digest.epochs[0].pending = 2;
  digest.epochs[0].damaged = 1;
  digest.epochs[0].lost = 1;
  watch.Say(digest);
  CHECK(watch.Detail(kBadFiles) == "2 files in the spool's bad/");
  CHECK(watch.Detail(kClock) == "its clock is 5 min behind, and not synchronized");
  CHECK(watch.Detail(kLost) == "1 event lost, 1 event damaged, in all");
  CHECK(watch.FlagsNow() == Flags{kLost, kBacklog, kBadFiles, kClock});

  // Delivered since, and closed: the count that came with the last digest does not stand for what waits now.
  watch.centre.Send(chain.Batch(1, 2));
  watch.centre.Send(chain.Tomb(3, 4));
  digest.epochs[0].pending = 0;
  digest.epochs[0].delivered = 2;
  digest.oldest_pending_age.reset();
  digest.spool_bad = 0;
  digest.clock_time = watch.now;
  watch.Say(digest);
  CHECK(watch.FlagsNow() == Flags{kLost});
  watch.now += watch.limits.keep_flags;
  CHECK(watch.FlagsNow().empty());
}

TEST_CASE("What came after the last digest no longer waits once the stream has ended") {
  Watch watch;
  Chain chain(7);
  chain.CaptureMany(4);
  Digest digest;
  digest.epochs = {Counted(chain, 0)};
  digest.oldest_pending_age = 1h;
  watch.Connect();
  watch.Say(digest);
  CHECK(watch.FlagsNow() == Flags{kBacklog});
  watch.centre.Send(chain.Batch(1, 4));
  watch.Disconnect();
  REQUIRE(watch.terminals->MissesEvents(kTerminal));
  watch.terminals->TakeAgain(kTerminal, watch.centre.InTransaction([&](LedgerTransaction& ledger) {
    return watch.terminals->Compare(ledger, kTerminal, {});
  }),
                             watch.now);
  CHECK(watch.FlagsNow().empty());
  CHECK_FALSE(watch.terminals->MissesEvents(kTerminal));
}

TEST_CASE("What an export file brings of a terminal that is gone closes its gap") {
  Watch watch;
  Chain chain(7);
  chain.CaptureMany(3);
  watch.Connect();
  watch.Say({Counted(chain, 3)});
  watch.now += 1h;
  const auto compare = [&] {
    const auto compared = watch.centre.InTransaction(
        [&](LedgerTransaction& ledger) { return watch.terminals->CompareAway(ledger); });
    for (const auto& [identity, facts] : compared) watch.terminals->TakeAgain(identity, facts, watch.now);
    return compared.size();
  };
  CHECK(compare() == 0);  // it is connected, and will say how it stands
  watch.Disconnect();
  CHECK(compare() == 1);
  CHECK(watch.FlagsNow() == Flags{kGap});
  watch.centre.Send(chain.Batch(1, 3));
  CHECK(compare() == 1);
  CHECK(watch.FlagsNow().empty());
  CHECK(compare() == 0);
}

TEST_CASE("The register survives a restart of the centre as it was") {
  Watch watch(GENERATE(ALL_LEDGERS));
  Chain old(7);
  old.CaptureMany(5);
  watch.centre.Send(old.Batch(1, 3));
  Digest digest;
  digest.epochs = {Counted(old, 3)};
  digest.outbox_used_bytes = 77;
  digest.spool_bad = 1;
  digest.clock_time = watch.now - 6min;
  digest.oldest_pending_age = 1h;
  watch.Connect();
  watch.Say(digest);
  watch.Disconnect();
  watch.Say({Counted(Chain(8), 0)}, 2);
  watch.now += 1h;
  const std::string before = EncodeRecord(watch.Look().record);
  const Flags flags = watch.FlagsNow();
  CHECK(flags == Flags{kGap, kNewEpoch});
  CHECK(watch.Keep() == 1);
  watch.centre.Restart();
  watch.Restart();
  CHECK(EncodeRecord(watch.Look().record) == before);
  CHECK(watch.FlagsNow() == flags);
}

TEST_CASE("Terminals are listed in pages, the worst first") {
  Watch watch;
  const std::vector<StreamIdentity> names{
      {"S01", "T1"}, {"S01", "T2"}, {"S02", "T1"}, {"S02", "T2"}, {"S03", "T1"}};
  for (const StreamIdentity& name : names) {
    watch.Connect(1, name);
    Digest digest;
    digest.clock_time = watch.now;
    digest.spool_bad = name == names[3] ? 1 : 0;
    watch.Say(digest, 1, name);
  }
  watch.terminals->Forked(names[2], "forked", watch.now);

  std::vector<StreamIdentity> listed;
  std::optional<TerminalRegister::Place> after;
  do {
    const auto page = watch.terminals->List({}, after, 2, watch.now);
    CHECK(page.total == 5);
    CHECK(page.terminals.size() <= 2);
    for (const auto& seen : page.terminals) listed.push_back(seen.record.identity);
    after = page.last;
  } while (after);
  CHECK(listed == std::vector<StreamIdentity>{names[2], names[3], names[0], names[1], names[4]});

  const auto bad = watch.terminals->List({"", "", kBadFiles}, std::nullopt, 10, watch.now);
  CHECK(bad.total == 1);
  CHECK(bad.terminals.at(0).record.identity == names[3]);
  CHECK(watch.terminals->List({"S01", ""}, std::nullopt, 10, watch.now).total == 2);
  const auto counts = watch.terminals->CountFlags(watch.now);
  CHECK(counts[static_cast<std::size_t>(kUnspecified)] == 3);
  CHECK(counts[static_cast<std::size_t>(kDuplicate)] == 1);
  CHECK(counts[static_cast<std::size_t>(kBadFiles)] == 1);
}

TEST_CASE("Ten thousand terminals are kept in groups, listed and counted at once") {
  constexpr int kTerminals = 10'000;
  Watch watch(LedgerKind::kSqlite);
  const auto timed = [](const char* what, auto work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const auto spent = std::chrono::steady_clock::now() - begin;
    WARN(what << ": " << std::chrono::duration_cast<std::chrono::milliseconds>(spent).count() << " ms");
  };
  const auto name = [](int i) {
    return StreamIdentity{"S" + std::to_string(i / 10), "T" + std::to_string(i % 10)};
  };
  EpochDigest epoch;
  epoch.epoch = 7;
  epoch.ordinal = 1;
  Digest digest;
  digest.epochs = {epoch};
  digest.clock_time = watch.now;
  timed("10,000 terminals connect and say how they stand", [&] {
    for (int i = 0; i < kTerminals; ++i) {
      watch.Connect(1, name(i));
      watch.Say(digest, 1, name(i));
    }
  });
  std::vector<std::size_t> groups;
  timed("kept in the ledger", [&] {
    while (const std::size_t written = watch.Keep()) groups.push_back(written);
  });
  CHECK(groups.size() == (kTerminals + TerminalRegister::kWriteLimit - 1) / TerminalRegister::kWriteLimit);
  timed("counted for a scrape", [&] { CHECK(watch.terminals->CountFlags(watch.now)[0] == kTerminals); });
  timed("the first page of 500",
        [&] { CHECK(watch.terminals->List({}, std::nullopt, 500, watch.now).terminals.size() == 500); });
  timed("read at the centre's start", [&] { watch.Restart(); });
  CHECK(watch.terminals->List({}, std::nullopt, 1, watch.now).total == kTerminals);

  // One that changed is written alone.
  watch.Connect(1, name(77));
  CHECK(watch.Keep() == 1);
  CHECK(watch.Keep() == 0);
}

}  // namespace
}  // namespace tillwire
