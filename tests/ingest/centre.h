// Acceptance over a ledger, without streams: what the commit thread does, one commit for each call.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <variant>
#include <vector>

#include "core/limits.h"
#include "ingest/acceptance/acceptor.h"
#include "ingest/acceptance/welcome.h"
#include "ingest/import/file_import.h"
#include "ingest/ledger/sqlite_ledger.h"
#include "tests/fakes/fake_ledger.h"
#include "tests/fakes/fake_rng.h"
#include "tests/ingest/chain.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

enum class LedgerKind { kSqlite, kFake };

// Every ledger that the contract binds. In a test case: Centre centre(GENERATE(ALL_LEDGERS));
#define ALL_LEDGERS values({LedgerKind::kSqlite, LedgerKind::kFake})

class Centre {
 public:
  explicit Centre(LedgerKind kind) : kind_(kind) { Restart(); }

  // Closes the ledger and opens it again. The one in memory stays as it is.
  void Restart() {
    if (kind_ == LedgerKind::kFake) {
      if (!ledger_) ledger_ = std::make_unique<FakeLedger>();
      return;
    }
    ledger_.reset();
    auto opened = SqliteLedger::Open(directory_.Path() / "ledger.db", rng_);
    REQUIRE(opened);
    ledger_ = std::move(opened.value());
  }

  [[nodiscard]] Ledger& GetLedger() { return *ledger_; }
  AcceptanceRules rules;

  template <typename Work>
  auto InTransaction(Work work) {
    ledger_->Begin();
    auto result = work(ledger_->Transaction());
    ledger_->Commit();
    return result;
  }

  std::vector<RecordResult> Send(EventBatch batch, const StreamIdentity& identity = kTerminal) {
    const auto inspected = Inspect(std::move(batch), identity, rules);
    return InTransaction([&](LedgerTransaction& ledger) { return Accept(ledger, identity, inspected, kNow); })
        .results;
  }
  RecordResult Send(const Record& record, const StreamIdentity& identity = kTerminal) {
    const auto results = Send(EventBatch{1, record.id.epoch, {record}}, identity);
    REQUIRE(results.size() == 1);
    CHECK(results[0].sequence == record.id.sequence);
    return results[0];
  }
  RecordResult Send(const Tombstone& tombstone) {
    const Tombstones message{1, {tombstone}};
    const auto results = InTransaction([&](LedgerTransaction& ledger) {
                           return Accept(ledger, kTerminal, message, kNow);
                         }).results;
    REQUIRE(results.size() == 1);
    CHECK(results[0].sequence == tombstone.first);
    return results[0];
  }
  // As the running service takes a part of an export file.
  BatchResult Import(const ExportHeader& header, const ImportPart& part) {
    const StreamIdentity identity{header.store_id, header.terminal_id};
    return InTransaction([&](LedgerTransaction& ledger) {
      const ImportRow row = ledger.EnsureImport({header.export_id, header.created_at}, kNow);
      const auto* batch = std::get_if<EventBatch>(&part);
      if (batch == nullptr) return Accept(ledger, identity, std::get<Tombstones>(part), kNow, row);
      return Accept(ledger, identity, Inspect(*batch, identity, rules), kNow, row);
    });
  }
  Greeting Greet(std::vector<EpochSummary> epochs, BackedUp backed_up = BackedUp::kAccepted) {
    Hello hello;
    hello.store_id = kTerminal.store_id;
    hello.terminal_id = kTerminal.terminal_id;
    hello.epochs = std::move(epochs);
    return InTransaction(
        [&](LedgerTransaction& ledger) { return tillwire::Greet(ledger, hello, backed_up); });
  }
  // What the centre has of an epoch of which the agent retains all.
  EpochState State(std::uint64_t epoch) {
    return Greet({{epoch, 1, kMaxSequence, {}, {}}}).welcome.epochs.at(0);
  }

  LedgerStatistics Statistics() {
    return InTransaction([](LedgerTransaction& ledger) { return ledger.Statistics(); });
  }
  std::vector<StoredEntry> Entries() {
    return InTransaction([](LedgerTransaction& ledger) { return ledger.Read({}); }).entries;
  }

 private:
  const LedgerKind kind_;
  TempDirectory directory_;
  FakeRng rng_;
  std::unique_ptr<Ledger> ledger_;
};

inline std::vector<Disposition> DispositionsOf(const std::vector<RecordResult>& results) {
  std::vector<Disposition> dispositions;
  for (const RecordResult& result : results) dispositions.push_back(result.disposition);
  return dispositions;
}

}  // namespace tillwire
