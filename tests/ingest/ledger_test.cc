// What every ledger promises beyond what acceptance shows of it.
#include "ingest/ledger/ledger.h"

#include "tests/ingest/centre.h"

namespace tillwire {
namespace {

std::vector<std::uint64_t> PositionsOf(const EntryPage& page) {
  std::vector<std::uint64_t> positions;
  for (const StoredEntry& entry : page.entries) positions.push_back(entry.position);
  return positions;
}

EntryPage Read(Centre& centre, EntryQuery query) {
  return centre.InTransaction([&](LedgerTransaction& ledger) { return ledger.Read(query); });
}

TEST_CASE("Entries are read in pages") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(5);
  centre.Send(chain.Batch(1, 5));
  using Positions = std::vector<std::uint64_t>;
  EntryQuery query;
  query.max_entries = 2;
  const auto first = Read(centre, query);
  CHECK(PositionsOf(first) == Positions{1, 2});
  CHECK_FALSE(first.at_end);
  query.after_position = first.scanned_through;
  CHECK(PositionsOf(Read(centre, query)) == Positions{3, 4});
  query.after_position = 4;
  const auto last = Read(centre, query);
  CHECK(PositionsOf(last) == Positions{5});
  CHECK(last.at_end);
  query.after_position = 5;
  CHECK(Read(centre, query).at_end);
  query.after_position = UINT64_MAX;
  CHECK(Read(centre, query).entries.empty());

  EntryQuery small;
  small.max_bytes = 1;
  CHECK(PositionsOf(Read(centre, small)) == Positions{1});
}

TEST_CASE("Entries are filtered by store and terminal") {
  Centre centre(GENERATE(ALL_LEDGERS));
  const std::vector<StreamIdentity> terminals{{"S01", "T1"}, {"S01", "T2"}, {"S02", "T1"}};
  for (const auto& terminal : terminals) {
    Chain chain(7, terminal);
    chain.CaptureMany(2);
    centre.Send(chain.Batch(1, 2), terminal);
  }
  EntryQuery query;
  query.store_id = "S01";
  CHECK(Read(centre, query).entries.size() == 4);
  query.terminal_id = "T1";
  CHECK(Read(centre, query).entries.size() == 2);
  query.store_id = "";
  CHECK(Read(centre, query).entries.size() == 4);
  query.store_id = "S03";
  const auto none = Read(centre, query);
  CHECK(none.entries.empty());
  CHECK(none.at_end);
}

TEST_CASE("A rolled back transaction leaves nothing") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(2);
  Ledger& ledger = centre.GetLedger();
  ledger.Begin();
  Accept(ledger.Transaction(), kTerminal, Inspect(chain.Batch(1, 2), kTerminal, {}), kNow);
  CHECK(ledger.Transaction().Read({}).entries.size() == 2);
  ledger.Rollback();
  CHECK(centre.Entries().empty());
  CHECK(centre.Statistics().terminals == 0);
  // Another terminal may get the numbers that were given in vain.
  const StreamIdentity other{"S02", "T2"};
  Chain elsewhere(8, other);
  elsewhere.CaptureMany(1);
  centre.Send(elsewhere.Batch(1, 1), other);
  CHECK(centre.Entries().at(0).identity == other);
}

TEST_CASE("Epochs of any 64 bits are kept") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(UINT64_MAX - 3);
  chain.CaptureMany(1);
  centre.Send(chain.Batch(1, 1));
  CHECK(centre.Entries().at(0).epoch == UINT64_MAX - 3);
  CHECK(centre.State(UINT64_MAX - 3).accepted.size() == 1);
}

}  // namespace
}  // namespace tillwire
