#include "tests/support/exposition.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>

namespace tillwire {
namespace {

// "name{labels} value" of a sample's line.
const std::regex& SampleLine() {
  static const std::regex line(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? ([-+]?[0-9.eE+-]+|[+-]Inf|NaN))re");
  return line;
}

double Number(const std::string& text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  return std::strtod(text.c_str(), nullptr);
}

class Parser {
 public:
  Exposition Parse(const std::string& text) {
    if (!text.ends_with('\n')) Problem("the text does not end with a line's end");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# HELP ")) {
        Help(line.substr(7));
      } else if (line.starts_with("# TYPE ")) {
        Type(line.substr(7));
      } else {
        Sample(line);
      }
    }
    for (const auto& [family, type] : found_.types) {
      if (type == "histogram") CheckHistogram(family);
    }
    return found_;
  }

 private:
  void Problem(const std::string& problem) { found_.problems.push_back(problem); }

  void Help(const std::string& rest) {
    const std::string name = rest.substr(0, rest.find(' '));
    if (!helped_.insert(name).second) Problem(name + " has two HELP lines");
    if (rest.size() <= name.size() + 1) Problem(name + " has an empty HELP line");
  }

  void Type(const std::string& rest) {
    const std::string name = rest.substr(0, rest.find(' '));
    const std::string type = rest.size() > name.size() ? rest.substr(name.size() + 1) : "";
    if (type != "counter" && type != "gauge" && type != "histogram") Problem(name + " has the type " + type);
    if (!found_.types.emplace(name, type).second) Problem(name + " has two TYPE lines");
    if (!helped_.contains(name)) Problem(name + " has no HELP line before its TYPE");
    if ((type == "counter") != name.ends_with("_total")) Problem(name + " is a " + type);
    family_ = name;
  }

  void Sample(const std::string& line) {
    std::smatch parts;
    if (!std::regex_match(line, parts, SampleLine())) return Problem("no sample: " + line);
    const std::string name = parts[1];
    const bool histogram = found_.types[family_] == "histogram";
    const bool member =
        histogram ? name == family_ + "_bucket" || name == family_ + "_sum" || name == family_ + "_count"
                  : name == family_;
    if (!member) Problem(name + " stands in the family " + family_);
    const std::string series = name + std::string(parts[2]);
    const double value = Number(parts[3]);
    if (value < 0 || std::isnan(value)) Problem(series + " is " + std::string(parts[3]));
    if (!found_.series.emplace(series, value).second) Problem(series + " comes twice");
    if (name == family_ + "_bucket") buckets_[family_].push_back(value);
  }

  void CheckHistogram(const std::string& family) {
    const auto& buckets = buckets_[family];
    for (std::size_t i = 1; i < buckets.size(); ++i) {
      if (buckets[i] < buckets[i - 1]) Problem(family + " has buckets that fall");
    }
    const double all = found_.Value(family + "_bucket{le=\"+Inf\"}");
    if (all < 0 || all != found_.Value(family + "_count")) {
      Problem(family + " has a +Inf bucket that is not its count");
    }
    if (found_.Value(family + "_sum") < 0) Problem(family + " has no sum");
  }

  Exposition found_;
  std::set<std::string> helped_;
  std::string family_;
  std::map<std::string, std::vector<double>> buckets_;
};

}  // namespace

Exposition ParseExposition(const std::string& text) {
  return Parser().Parse(text);
}

std::vector<std::string> CountersThatFell(const Exposition& before, const Exposition& after) {
  std::vector<std::string> fell;
  for (const auto& [series, value] : before.series) {
    const std::string name = series.substr(0, series.find('{'));
    const auto type = before.types.find(name);
    const bool counts = (type != before.types.end() && type->second == "counter") ||
                        name.ends_with("_bucket") || name.ends_with("_count") || name.ends_with("_sum");
    if (counts && after.Value(series) < value) fell.push_back(series);
  }
  return fell;
}

}  // namespace tillwire
