#include "ingest/acceptance/stream_registry.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace tillwire {

std::optional<StreamRegistry::Opened> StreamRegistry::Open(const StreamIdentity& identity,
                                                           const Uuid& instance, std::uint64_t generation,
                                                           std::function<void()> superseded) {
  Opened opened;
  std::vector<std::function<void()>> older;
  {
    const std::lock_guard lock(mutex_);
    Instances& instances = terminals_[identity];
    auto found = std::find_if(instances.begin(), instances.end(),
                              [&](const Instance& candidate) { return candidate.id == instance; });
    if (found == instances.end()) {
      found = instances.insert(instances.end(), Instance{instance, generation, 0, {}});
    } else if (generation < found->generation) {
      return std::nullopt;
    } else {
      instances.splice(instances.end(), instances, found);
    }
    opened.ticket = ++last_ticket_;
    opened.duplicate_terminal = std::any_of(instances.begin(), instances.end(), [&](const Instance& other) {
      return other.id != instance && !other.open.empty();
    });
    for (const auto& [ticket, callback] : found->open) older.push_back(callback);
    found->generation = generation;
    found->newest = opened.ticket;
    found->open.emplace(opened.ticket, std::move(superseded));
    places_.emplace(opened.ticket, Place{identity, found});
    ForgetIdle(instances);
  }
  for (const auto& callback : older) callback();
  return opened;
}

void StreamRegistry::Close(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(ticket);
  if (place == places_.end()) return;
  place->second.instance->open.erase(ticket);
  ForgetIdle(terminals_.at(place->second.identity));
  places_.erase(place);
}

bool StreamRegistry::MayWrite(Ticket ticket) const {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(ticket);
  return place != places_.end() && place->second.instance->newest == ticket;
}

std::size_t StreamRegistry::OpenStreams() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

void StreamRegistry::ForgetIdle(Instances& instances) {
  const auto is_idle = [](const Instance& instance) { return instance.open.empty(); };
  auto idle = std::count_if(instances.begin(), instances.end(), is_idle);
  for (auto instance = instances.begin(); static_cast<std::size_t>(idle) > kMaxIdleInstances;) {
    if (is_idle(*instance)) {
      instance = instances.erase(instance);
      --idle;
    } else {
      ++instance;
    }
  }
}

}  // namespace tillwire
