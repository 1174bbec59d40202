#include "ingest/acceptance/welcome.h"

#include "core/limits.h"
#include "tests/ingest/centre.h"

namespace tillwire {
namespace {

TEST_CASE("Welcome cuts a range where the agent can compare") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(10);
  centre.Send(chain.Batch(1, 6));
  centre.Send(chain.Batch(7, 10));
  const auto lasts = [&](std::uint64_t first_retained, std::uint64_t last) {
    std::vector<std::uint64_t> found;
    const auto greeting = centre.Greet({{7, first_retained, last, {}, {}}});
    for (const AcceptedRange& range : greeting.welcome.epochs.at(0).accepted) {
      CHECK(range.last_hash == chain.At(range.last).hash);
      found.push_back(range.last);
    }
    return found;
  };
  using Lasts = std::vector<std::uint64_t>;
  CHECK(lasts(4, 8) == Lasts{3, 8, 10});
  CHECK(lasts(1, 10) == Lasts{10});
  CHECK(lasts(11, 10) == Lasts{10});
  CHECK(lasts(7, 6) == Lasts{6, 10});
  CHECK(lasts(0, 20) == Lasts{10});
}

TEST_CASE("An epoch that the centre does not know is empty") {
  Centre centre(GENERATE(ALL_LEDGERS));
  const auto greeting = centre.Greet({{7, 1, 5, {}, {}}});
  REQUIRE(greeting.welcome.epochs.size() == 1);
  CHECK(greeting.welcome.epochs[0].epoch == 7);
  CHECK(greeting.welcome.epochs[0].accepted.empty());
  CHECK_FALSE(greeting.start_new_epoch);
}

TEST_CASE("An older copy of an outbox is told to begin a new epoch") {
  Centre centre(GENERATE(ALL_LEDGERS));
  centre.rules.max_lines = 1;
  Chain chain(7);
  chain.CaptureMany(5);
  chain.Capture("big", 2);
  centre.Send(chain.Batch(1, 5));
  const auto told = centre.Greet({{6, 1, 3, {}, {}}, {7, 1, 3, {}, {}}}).start_new_epoch;
  REQUIRE(told);
  CHECK(told->forked_epoch == 7);
  CHECK(told->fork_sequence == 4);
  CHECK_FALSE(centre.Greet({{7, 1, 5, {}, {}}}).start_new_epoch);
  // Only the newest epoch is captured into.
  CHECK_FALSE(centre.Greet({{7, 1, 3, {}, {}}, {8, 1, 0, {}, {}}}).start_new_epoch);
  // A parked record is of a later history as well.
  centre.Send(chain.At(6));
  CHECK(centre.Greet({{7, 1, 5, {}, {}}}).start_new_epoch);
}

TEST_CASE("Backed up is what is resolved without a gap, with its hash") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(12);
  centre.Send(chain.Batch(1, 3));
  centre.Send(chain.Tomb(4, 5));
  centre.Send(chain.Batch(6, 8));
  centre.Send(chain.Batch(10, 12));
  const auto backed_up = [&](std::uint64_t last, BackedUp how = BackedUp::kAccepted) {
    return centre.Greet({{7, 1, last, {}, {}}}, how).welcome.epochs.at(0);
  };
  CHECK(backed_up(12).backed_up_through == 8);
  CHECK(backed_up(12).backed_up_hash == chain.At(8).hash);
  // Not above what the agent can compare.
  CHECK(backed_up(7).backed_up_through == 7);
  CHECK(backed_up(7).backed_up_hash == chain.At(7).hash);
  CHECK(backed_up(4).backed_up_through == 3);
  CHECK(backed_up(5).backed_up_through == 5);
  CHECK(backed_up(0).backed_up_through == 0);
  CHECK(backed_up(12, BackedUp::kNothing).backed_up_through == 0);
}

TEST_CASE("Backed up ends before a gap and before a hash that nobody knows") {
  Centre centre(GENERATE(ALL_LEDGERS));
  Chain chain(7);
  chain.CaptureMany(4);
  centre.Send(chain.At(1));
  Tombstone unknown = chain.Tomb(2, 3);
  unknown.last_hash.reset();
  centre.Send(unknown);
  const auto state = centre.Greet({{7, 1, 4, {}, {}}}).welcome.epochs.at(0);
  CHECK(state.backed_up_through == 1);
  CHECK(state.backed_up_hash == chain.At(1).hash);
}

TEST_CASE("Hello is limited") {
  Hello hello;
  hello.epochs.resize(kMaxEpochsInHello);
  CHECK(CheckHello(hello));
  hello.epochs.emplace_back();
  const auto refused = CheckHello(hello);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(refused.error().message, Catch::Contains("1025 epochs"));
  hello.epochs = {{7, 1, kMaxSequence + 1, {}, {}}};
  CHECK_FALSE(CheckHello(hello));
}

}  // namespace
}  // namespace tillwire
