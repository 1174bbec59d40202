// An outbox in a directory of its own, with a clock and randomness that the test holds.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "storage/outbox.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_rng.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

class OutboxHarness {
 public:
  OutboxHarness() {
    options.directory = directory.Path() / "outbox";
    options.store_id = "0417";
    options.terminal_id = "till-3";
    options.machine_id = "machine-1";
    options.reserve_bytes = 64 << 10;  // little, for speed
  }

  Result<std::unique_ptr<Outbox>> TryOpen() { return Outbox::Open(options, clock, rng); }

  // Opens, or opens again after Close().
  Outbox& Open() {
    outbox.reset();
    auto opened = TryOpen();
    INFO((opened.ok() ? std::string() : opened.error().Text()));
    REQUIRE(opened.ok());
    outbox = std::move(*opened);
    return *outbox;
  }

  void Close() { outbox.reset(); }

  // Changes the file as a damaged disk might, while it is closed.
  void EditFile(const std::string& sql) {
    SQLite::Database file((options.directory / "outbox.db").string(), SQLite::OPEN_READWRITE);
    file.exec(sql);
  }
  // Likewise, and the outbox open again.
  void Edit(const std::string& sql) {
    Close();
    EditFile(sql);
    Open();
  }
  // Other bytes under the same hash.
  void Damage(Position position) {
    Edit("UPDATE events SET event = 'event 9' WHERE position = " + std::to_string(position));
  }

  // Runs `body` in a transaction of its own.
  template <typename Body>
  auto Transact(Body body) {
    outbox->Begin();
    auto result = body(*outbox);
    outbox->Commit();
    return result;
  }

  CaptureInput Input(const std::string& lane, const std::string& content) {
    clock.Advance(std::chrono::seconds(1));
    CaptureInput input;
    input.event_id = uuids.Make(clock.WallNow());
    input.lane = lane;
    input.event = "event " + content;
    input.captured_at = clock.WallNow();
    return input;
  }

  Captured Capture(const std::string& lane, const std::string& content) {
    auto captured = Transact([&](Outbox& box) { return box.Capture(Input(lane, content)); });
    REQUIRE(captured.ok());
    return *captured;
  }

  PendingPage Pending(Position after = 0, std::size_t max_records = 1000) {
    return Transact([&](Outbox& box) { return box.ReadPending(after, max_records, 1 << 20); });
  }

  std::vector<std::string> PendingEvents() {
    std::vector<std::string> events;
    for (const PendingRecord& pending : Pending().records) events.push_back(pending.record.event);
    return events;
  }

  void Answer(const std::vector<Position>& positions, Disposition disposition,
              ParkReason reason = ParkReason::kUnspecified) {
    std::vector<EventOutcome> outcomes;
    for (const Position position : positions) {
      EventOutcome outcome{position, {}};
      outcome.result.disposition = disposition;
      outcome.result.park_reason = reason;
      outcomes.push_back(outcome);
    }
    Transact([&](Outbox& box) {
      box.ApplyOutcomes(outcomes);
      return true;
    });
  }

  OutboxStatus Status() { return outbox->Status(); }

  TempDirectory directory;
  FakeClock clock;
  FakeRng rng;
  UuidGenerator uuids{rng};
  OutboxOptions options;
  std::unique_ptr<Outbox> outbox;
};

}  // namespace tillwire
