// Reading a scrape as a strict Prometheus would.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tillwire {

struct Exposition {
  std::map<std::string, double> series;      // by its name with its labels, as `captured_total{source="cli"}`
  std::map<std::string, std::string> types;  // of families: counter, gauge, histogram
  // What breaks the format or the conventions: a family without HELP or TYPE, or in two places; a series that
  // comes twice; a counter that is not called _total; a histogram that does not add up.
  std::vector<std::string> problems;

  // -1 where there is no such series.
  [[nodiscard]] double Value(const std::string& name) const {
    const auto found = series.find(name);
    return found == series.end() ? -1 : found->second;
  }
};

Exposition ParseExposition(const std::string& text);

// Counters of `before` that are smaller or missing in `after`.
std::vector<std::string> CountersThatFell(const Exposition& before, const Exposition& after);

}  // namespace tillwire
