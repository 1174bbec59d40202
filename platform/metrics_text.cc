#include "platform/metrics_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

namespace tillwire {
namespace {

prometheus::MetricType TypeOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

struct MetricsText::Families {
  std::vector<prometheus::MetricFamily> all;
};

MetricsText::MetricsText() : families_(std::make_unique<Families>()) {}
MetricsText::~MetricsText() = default;

MetricsText& MetricsText::Begin(const std::string& name, MetricType type, const std::string& help) {
  families_->all.push_back({name, help, TypeOf(type), {}});
  return *this;
}

MetricsText& MetricsText::Sample(double value, const MetricLabels& labels) {
  auto& family = families_->all.back();
  auto& metric = family.metric.emplace_back();
  for (const auto& [label, text] : labels) metric.label.push_back({label, text});
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return *this;
}

MetricsText& MetricsText::Sample(const Histogram& histogram, double parts) {
  const Histogram::Snapshot read = histogram.Read();
  auto& out = families_->all.back().metric.emplace_back().histogram;
  out.sample_count = read.at_most.back();
  out.sample_sum = static_cast<double>(read.sum) / parts;
  for (std::size_t i = 0; i < read.bounds.size(); ++i) {
    out.bucket.push_back({read.at_most[i], static_cast<double>(read.bounds[i]) / parts});
  }
  out.bucket.push_back({read.at_most.back(), std::numeric_limits<double>::infinity()});
  return *this;
}

std::string MetricsText::Text() const {
  return prometheus::TextSerializer().Serialize(families_->all);
}

void AddProcessMetrics(MetricsText& text, const std::string& version, WallTime start) {
  text.Begin("tillwire_build_info", MetricType::kGauge, "1; the label has the version that runs.")
      .Sample(1, {{"version", version}});
  text.Begin("process_start_time_seconds", MetricType::kGauge,
             "When the process started, in seconds since the epoch by the machine's clock.")
      .Sample(std::chrono::duration<double>(start.time_since_epoch()).count());
}

}  // namespace tillwire
