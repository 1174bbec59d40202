// What was measured, as a table for people (Markdown, so that it can stand in a document) and as JSON.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/capture_bench.h"
#include "tests/bench/drain_bench.h"

namespace tillwire {

struct BenchFigures {
  std::optional<CaptureFigures> capture;
  std::map<std::size_t, CallersFigures> callers;
  std::vector<DrainFigures> drains;
  std::optional<IdleFigures> idle;
};

// One figure that the product is held to.
struct Verdict {
  std::string what;
  double measured = 0;
  double wanted = 0;
  bool at_most = true;  // else at least
  std::string unit;

  [[nodiscard]] bool Reached() const { return at_most ? measured <= wanted : measured >= wanted; }
};

std::vector<Verdict> Judge(const BenchFigures& figures);

std::string TablesOf(const BenchFigures& figures);
std::string JsonOf(const BenchFigures& figures);

}  // namespace tillwire
