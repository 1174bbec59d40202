#include "tests/storage/bit_flips.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include "tests/storage/flip_world.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kDefaultSeed = 20261130;
constexpr std::array kOutcomeNames = {"intact", "salvaged", "reported", "refused", "residual"};

std::optional<std::uint64_t> FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return std::strtoull(value, nullptr, 10);
}

struct Flip {
  std::string file;
  std::size_t byte = 0;
  unsigned bit = 0;
  bool older_mark = false;  // the power went before the newest mark was synced
};

Flip RandomFlip(const FlipWorld::Files& files, std::uint64_t seed) {
  FakeRng rng(seed);
  Flip flip;
  // The log is longest, and most of it is old: by length alone the database would hardly be hit.
  const std::uint64_t file = rng.Next() % 16;
  flip.file = file < 8 ? "outbox.db" : file < 15 ? "outbox.db-wal" : "outbox.hwm";
  flip.byte = rng.Next() % files.at(flip.file).size();
  flip.bit = static_cast<unsigned>(rng.Next() % 8);
  flip.older_mark = rng.Next() % 4 == 0;
  return flip;
}

}  // namespace

void FlipBits(std::uint64_t count) {
  const std::uint64_t seed = FromEnvironment("TILLWIRE_SEED").value_or(kDefaultSeed);
  const auto only = FromEnvironment("TILLWIRE_FLIP");
  FlipWorld world;
  std::map<FlipOutcome, std::uint64_t> outcomes;
  FlipReport sums;
  std::uint64_t failed = 0;
  for (std::uint64_t run = only.value_or(1); run <= only.value_or(count); ++run) {
    FlipWorld::Files files = world.Killed();
    const Flip flip = RandomFlip(files, seed * 1'000'003 + run);
    if (flip.older_mark) files["outbox.hwm"] = world.OlderMark();
    files.at(flip.file)[flip.byte] ^= static_cast<char>(1U << flip.bit);
    const FlipReport report = world.Run(files, flip.older_mark);
    ++outcomes[report.outcome];
    sums.named += report.named;
    sums.residual += report.residual;
    sums.reread += report.reread;
    if (report.complaints.empty() && !only) continue;
    if (!report.complaints.empty()) ++failed;
    std::cout << "TILLWIRE_SEED=" << seed << " TILLWIRE_FLIP=" << run << ": bit " << flip.bit << " of byte "
              << flip.byte << " of " << flip.file << (flip.older_mark ? ", older mark" : "") << '\n';
    for (const std::string& complaint : report.complaints) std::cout << "  " << complaint << '\n';
  }
  std::cout << "bit flips: seed " << seed;
  for (const auto& [outcome, runs] : outcomes) {
    std::cout << ", " << kOutcomeNames.at(static_cast<std::size_t>(outcome)) << " " << runs;
  }
  std::cout << "; events lost and named " << sums.named << ", lost silently " << failed
            << ", lost as rule 7 allows " << sums.residual << '\n';
  CHECK(failed == 0);
}

}  // namespace tillwire
