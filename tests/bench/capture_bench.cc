#include "tests/bench/capture_bench.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/bare_append.h"
#include "tests/e2e/agent_program.h"
#include "tests/support/process_usage.h"
#include "tests/support/store_day.h"

namespace tillwire {
namespace {

constexpr std::size_t kSliceOperations = 100;
constexpr std::size_t kWarmUp =
    800;  // some 6 pages each: the log has then been moved into the database and begun anew once
constexpr std::size_t kPlannedAtOnce = 5'000;
constexpr std::size_t kCallers[] = {1, 8, 64};

// No end of requests, each with a key of its own.
class Requests {
 public:
  explicit Requests(std::uint64_t seed) { day_.seed = seed; }

  // Any thread.
  v1::CaptureEventRequest Next() {
    const std::lock_guard lock(mutex_);
    if (next_ == plan_.size()) {
      day_.captures = kPlannedAtOnce;
      plan_ = PlanStoreDay(day_);
      ++day_.seed;
      ++days_;
      next_ = 0;
    }
    v1::CaptureEventRequest request = plan_[next_++].request;
    request.set_idempotency_key(std::to_string(days_) + "-" + std::to_string(next_) + "-bench");
    return request;
  }

 private:
  std::mutex mutex_;
  StoreDayOptions day_;
  std::vector<PlannedCapture> plan_;
  std::size_t next_ = 0;
  std::size_t days_ = 0;
};

// An agent without a centre: nothing listens on that port.
AgentSettings Settings(const BenchOptions& options, const char* name) {
  AgentSettings settings;
  settings.directory = options.directory / name;
  settings.server_port = 9;
  settings.backoff_base = "60s";
  settings.backoff_cap = "120s";
  return settings;
}

void Require(const Result<CaptureReply>& reply) {
  if (!reply) throw std::runtime_error("a capture failed: " + reply.error().Text());
}

void RequireRefused(const Result<void>& reply) {
  if (reply || reply.error().code != ErrorCode::kInvalidArgument) {
    throw std::runtime_error("a call that must be refused was not");
  }
}

// What its write calls took. The kernel's count of what goes to the disk is of whole folios of its cache,
// each time one of their pages changes: a file written in large pieces seems to cost more than one that grew.
std::uint64_t WrittenBytes(pid_t pid) {
  const std::string counts = "\n" + ReadWholeFile("/proc/" + std::to_string(pid) + "/io");
  const std::string key = "\nwchar: ";
  const std::size_t place = counts.find(key);
  return place == std::string::npos ? 0 : std::stoull(counts.substr(place + key.size()));
}

double Micros(std::chrono::milliseconds time, std::size_t operations) {
  return 1000.0 * static_cast<double>(time.count()) /
         static_cast<double>(std::max<std::size_t>(operations, 1));
}

// So many callers, each of which makes its next capture when the last one is answered.
class ClosedLoop {
 public:
  ClosedLoop(CaptureClient& client, Requests& requests) : client_(client), requests_(requests) {}

  void Run(std::size_t callers, std::chrono::milliseconds time, CallersFigures& figures) {
    until_ = std::chrono::steady_clock::now() + time;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < callers; ++i) Begin();
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return outstanding_ == 0; });
    if (!failure_.empty()) throw std::runtime_error("a capture failed: " + failure_);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    seconds_ += took.count();
    figures.capture.Add(samples_);
    samples_ = {};
  }

  [[nodiscard]] double Seconds() const { return seconds_; }

 private:
  void Begin() {
    {
      const std::lock_guard lock(mutex_);
      ++outstanding_;
    }
    const v1::CaptureEventRequest request = requests_.Next();
    const auto begin = std::chrono::steady_clock::now();
    client_.CaptureAsync(request, [this, begin](const Result<CaptureReply>& reply) {
      const auto now = std::chrono::steady_clock::now();
      bool again = false;
      {
        const std::lock_guard lock(mutex_);
        samples_.Add(now - begin);
        if (!reply) failure_ = reply.error().Text();
        again = reply.ok() && now < until_;
      }
      if (again) Begin();
      const std::lock_guard lock(mutex_);
      --outstanding_;
      none_.notify_all();
    });
  }

  CaptureClient& client_;
  Requests& requests_;
  std::chrono::steady_clock::time_point until_;
  std::mutex mutex_;
  std::condition_variable none_;
  std::size_t outstanding_ = 0;
  std::string failure_;
  Samples samples_;
  double seconds_ = 0;
};

}  // namespace

CaptureFigures MeasureCapture(const BenchOptions& options) {
  AgentProgram agent(Settings(options, "capture"));
  agent.Start();
  BareAppend growing(options.directory / "growing", BareAppend::File::kGrowing);
  BareAppend prewritten(options.directory / "prewritten", BareAppend::File::kPrewritten);
  Requests requests(options.seed);
  for (std::size_t i = 0; i < kWarmUp; ++i) Require(agent.Client().Capture(requests.Next()));

  CaptureFigures figures;
  std::chrono::milliseconds cpu{0};
  const std::uint64_t bytes_before = WrittenBytes(agent.Pid());
  while (figures.capture.Count() < options.captures) {
    for (std::size_t i = 0; i < kSliceOperations; ++i) figures.growing.Add(growing.Once());
    const auto cpu_before = ReadProcessUsage(agent.Pid()).cpu;
    for (std::size_t i = 0; i < kSliceOperations; ++i) {
      const v1::CaptureEventRequest request = requests.Next();
      figures.capture.Add(TimeOf([&] { Require(agent.Client().Capture(request)); }));
    }
    cpu += ReadProcessUsage(agent.Pid()).cpu - cpu_before;
    for (std::size_t i = 0; i < kSliceOperations; ++i) figures.prewritten.Add(prewritten.Once());
    for (std::size_t i = 0; i < kSliceOperations; ++i) {
      figures.refused.Add(TimeOf([&] { RequireRefused(agent.Client().Requeue("no event id")); }));
    }
  }
  figures.agent_cpu_us = Micros(cpu, figures.capture.Count());
  figures.synced_bytes = static_cast<double>(WrittenBytes(agent.Pid()) - bytes_before) /
                         static_cast<double>(figures.capture.Count());
  agent.Stop();
  return figures;
}

std::map<std::size_t, CallersFigures> MeasureCallers(const BenchOptions& options) {
  AgentProgram agent(Settings(options, "callers"));
  agent.Start();
  Requests requests(options.seed);
  for (std::size_t i = 0; i < kWarmUp; ++i) Require(agent.Client().Capture(requests.Next()));

  std::map<std::size_t, CallersFigures> all;
  std::map<std::size_t, double> seconds;
  std::map<std::size_t, std::chrono::milliseconds> cpu;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (const std::size_t callers : kCallers) {
      ClosedLoop loop(agent.Client(), requests);
      const auto cpu_before = ReadProcessUsage(agent.Pid()).cpu;
      loop.Run(callers, options.callers_slice, all[callers]);
      cpu[callers] += ReadProcessUsage(agent.Pid()).cpu - cpu_before;
      seconds[callers] += loop.Seconds();
    }
  }
  for (auto& [callers, figures] : all) {
    figures.callers = callers;
    figures.per_second = static_cast<double>(figures.capture.Count()) / seconds[callers];
    figures.agent_cpu_us = Micros(cpu[callers], figures.capture.Count());
  }
  agent.Stop();
  return all;
}

}  // namespace tillwire
