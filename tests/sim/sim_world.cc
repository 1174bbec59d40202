#include "tests/sim/sim_world.h"

#include <fmt/format.h>

#include <iostream>

namespace tillwire {

void SimWorld::In(Duration delay, std::function<void()> what) {
  due_.emplace(std::pair(now_ + delay, next_number_++), std::move(what));
}

void SimWorld::RunUntil(Duration end, const std::function<bool()>& stop) {
  while (!due_.empty() && due_.begin()->first.first <= end) {
    auto next = due_.extract(due_.begin());
    now_ = next.key().first;
    ++steps_;
    next.mapped()();
    if (stop()) return;
  }
  now_ = end;
}

void SimWorld::Trace(const std::string& who, const std::string& what) {
  std::string line =
      fmt::format("{:>10.3f} s  {:<9} {}", std::chrono::duration<double>(now_).count(), who, what);
  trace_digest_ = trace_digest_ * 31 + std::hash<std::string>()(line);
  if (print_) std::cout << line << '\n';
  lines_.push_back(std::move(line));
  if (lines_.size() > kKeptLines) lines_.pop_front();
}

}  // namespace tillwire
