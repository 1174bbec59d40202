// What the outbox makes of a file that SQLite takes for intact, and that can't be right all the same.
#include <filesystem>

#include "tests/storage/outbox_harness.h"

namespace tillwire {
namespace {

TEST_CASE("a row that can't be read, or is gone, is given up by name, and the rest flows") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 6; ++i) harness.Capture("order:" + std::to_string(i % 2), std::to_string(i));
  harness.Answer({4}, Disposition::kAccepted);
  const Hash hash_of_three = harness.Pending(2, 1).records.at(0).record.hash;
  harness.Edit("DELETE FROM events WHERE position = 3");  // the last of a pending run
  harness.Edit("UPDATE events SET hash = 'no hash' WHERE position = 5");
  const PendingPage page = harness.Pending();
  CHECK(page.damaged == std::vector<Position>{3, 5});
  CHECK(page.at_end);
  CHECK(harness.PendingEvents() == std::vector<std::string>{"event 1", "event 2", "event 6"});
  const auto lost = harness.Status().lost_ranges;
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].tombstone.first == 3);
  CHECK(lost[0].tombstone.kind == TombstoneKind::kDamaged);
  CHECK(lost[0].tombstone.last_hash == hash_of_three);  // its neighbour knows it
  CHECK(lost[1].tombstone.first == 5);
}

TEST_CASE("a file whose values can't be right is salvaged when it is opened, and set aside as it was") {
  const char* edit = GENERATE(
      "UPDATE delivered SET last = -1", "UPDATE delivered SET first = 7",
      "INSERT INTO delivered VALUES (90, 95)", "UPDATE events SET position = 1 << 40 WHERE position = 5",
      "DELETE FROM events", "UPDATE epochs SET retained = 3, issued = 3, last_hash = genesis",
      "UPDATE epochs SET base = 99", "DELETE FROM epochs", "INSERT INTO exceptions VALUES (3, 7, '', '', 0)",
      "INSERT INTO lost_ranges VALUES (1, 1, 1, -1, 1, NULL, NULL, '', 0, 0)",
      "INSERT INTO anchors VALUES (9223372036854775807, 0, 0)");
  INFO(edit);
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 5; ++i) harness.Capture("order:1", std::to_string(i));
  harness.Answer({1, 2}, Disposition::kAccepted);
  harness.Close();
  harness.EditFile(edit);
  harness.Open();
  const OutboxStatus status = harness.Status();
  REQUIRE_FALSE(status.incidents.empty());
  CHECK_THAT(status.incidents.front().text, Catch::Contains("the outbox was damaged"));
  CHECK(status.epoch_ordinal >= 2);
  CHECK(status.pending + status.delivered + status.lost >= 5);
  harness.Pending();
  harness.Capture("order:1", "6");
  CHECK(harness.Pending().records.back().record.event == "event 6");
  // Set aside once: what was made is sound.
  harness.Open();
  std::size_t kept = 0;
  for (const auto& file : std::filesystem::directory_iterator(harness.options.directory)) {
    if (file.path().filename().string().rfind("outbox.damaged-", 0) == 0 && file.path().extension() == ".db")
      ++kept;
  }
  CHECK(kept == 1);
}

TEST_CASE("a lane whose last event is gone takes captures again once the outbox is salvaged") {
  OutboxHarness harness;
  harness.Open();
  for (int i = 1; i <= 4; ++i) harness.Capture("order:" + std::to_string(i), std::to_string(i));
  harness.Edit("DELETE FROM events WHERE position = 2");
  harness.outbox->Begin();
  CHECK_THROWS_AS(harness.outbox->Capture(harness.Input("order:2", "x")), StorageFault);
  harness.outbox->Rollback();
  harness.Capture("order:2", "y");
  CHECK(harness.PendingEvents() == std::vector<std::string>{"event 1", "event 3", "event 4", "event y"});
  const auto lost = harness.Status().lost_ranges;
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].tombstone.first == 2);
  CHECK(lost[0].tombstone.last == 2);
}

TEST_CASE("a pause that can't be read is none: a queue must not stand still for ever") {
  OutboxHarness harness;
  harness.Open();
  const WallTime now = harness.clock.WallNow();
  harness.Transact([&](Outbox& box) {
    box.SetPause(UplinkPause{"117", "network works", now, now + std::chrono::hours(1)});
    return true;
  });
  REQUIRE(harness.outbox->Pause());
  const char* value = GENERATE("", "x", "12x", "99999999999999999999", "-1", "9223372036854775807");
  harness.Edit("UPDATE meta SET value = '" + std::string(value) + "' WHERE name = 'pause_until'");
  CHECK_FALSE(harness.outbox->Pause());
}

}  // namespace
}  // namespace tillwire
