// What was counted, in the text format of Prometheus (version 0.0.4).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/metrics.h"

namespace tillwire {

enum class MetricType { kCounter, kGauge, kHistogram };

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// One scrape. Begin() a family, then give its samples; each family once, and each set of labels once in it.
class MetricsText {
 public:
  MetricsText();
  ~MetricsText();
  MetricsText(const MetricsText&) = delete;
  MetricsText& operator=(const MetricsText&) = delete;

  MetricsText& Begin(const std::string& name, MetricType type, const std::string& help);
  MetricsText& Sample(double value, const MetricLabels& labels = {});
  // What was observed is shown divided by `parts`: 1 for records, kMicrosecondsInSecond for durations.
  MetricsText& Sample(const Histogram& histogram, double parts);
  // A sample for each value of the enum, `name_of` its label's value; a null pointer leaves it out.
  template <typename Enum, Enum kLast, typename NameOf>
  MetricsText& Samples(const CounterBy<Enum, kLast>& counters, const std::string& label, NameOf name_of) {
    for (std::size_t i = 0; i <= static_cast<std::size_t>(kLast); ++i) {
      const auto value = static_cast<Enum>(i);
      const char* name = name_of(value);
      if (name != nullptr) Sample(static_cast<double>(counters[value].Value()), {{label, name}});
    }
    return *this;
  }

  static constexpr double kMicrosecondsInSecond = 1e6;

  [[nodiscard]] std::string Text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

// What both programs tell of themselves: tillwire_build_info, and when the process started.
void AddProcessMetrics(MetricsText& text, const std::string& version, WallTime start);

}  // namespace tillwire
