#include "tests/sim/sim_network.h"

#include <algorithm>
#include <utility>

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// Keepalive: 30 s without a word, 10 s for the answer.
constexpr SimWorld::Duration kKeepalive = 40s;

}  // namespace

void SimNetwork::Open(const std::shared_ptr<SimStream>& stream) {
  stream->number = next_number_++;
  open_.remove_if([](const auto& old) { return !old->agent_open && !old->centre_open; });
  open_.push_back(stream);
  const SimWorld::Duration connected = Delay();
  // Nothing arrives before the connection stands.
  stream->up_free = world_.Now() + connected;
  world_.In(connected, [this, stream] {
    if (!stream->agent_open) return;
    if (down_ || !accept || (stands_by_ && world_.OneIn(4))) {
      stream->centre_open = false;
      return LoseAgentEnd(stream, Delay());
    }
    accept(stream);
  });
}

void SimNetwork::SendUp(const std::shared_ptr<SimStream>& stream, ToCentre message) {
  if (!stream->agent_open || stream->mute) return;
  stream->up_free = std::max(stream->up_free, world_.Now() + Delay());
  world_.In(stream->up_free - world_.Now(), [stream, message = std::move(message)]() mutable {
    if (stream->centre_open && stream->to_centre) stream->to_centre(std::move(message));
  });
}

void SimNetwork::SendDown(const std::shared_ptr<SimStream>& stream, ToAgent message) {
  if (!stream->centre_open || stream->mute) return;
  stream->down_free = std::max(stream->down_free, world_.Now() + Delay());
  world_.In(stream->down_free - world_.Now(), [stream, message = std::move(message)]() mutable {
    if (stream->agent_open && stream->to_agent) stream->to_agent(std::move(message));
  });
}

void SimNetwork::CloseByAgent(const std::shared_ptr<SimStream>& stream) {
  if (!std::exchange(stream->agent_open, false)) return;
  // What it had sent may be long under way, and arrive before its end is known.
  LoseCentreEnd(stream, stream->mute || world_.OneIn(4) ? world_.Between(1s, kKeepalive) : Delay());
}

void SimNetwork::CloseByCentre(const std::shared_ptr<SimStream>& stream) {
  if (!std::exchange(stream->centre_open, false)) return;
  LoseAgentEnd(stream, stream->mute ? world_.Between(1s, kKeepalive) : Delay());
}

void SimNetwork::BreakAll() {
  for (const auto& stream : open_) {
    if (world_.OneIn(2)) stream->mute = true;
    LoseAgentEnd(stream, Delay());
    LoseCentreEnd(stream, world_.OneIn(3) ? world_.Between(1s, kKeepalive) : Delay());
  }
}

void SimNetwork::HangAll() {
  for (const auto& stream : open_) {
    stream->mute = true;
    LoseAgentEnd(stream, kKeepalive);
    LoseCentreEnd(stream, kKeepalive);
  }
}

void SimNetwork::LoseAgents() {
  for (const auto& stream : open_) {
    LoseAgentEnd(stream, Delay());
    LoseCentreEnd(stream, world_.Between(1s, kKeepalive));
  }
}

void SimNetwork::LoseAgentEnd(const std::shared_ptr<SimStream>& stream, SimWorld::Duration after) {
  world_.In(after, [stream] {
    if (std::exchange(stream->agent_open, false) && stream->agent_lost) stream->agent_lost();
  });
}

void SimNetwork::LoseCentreEnd(const std::shared_ptr<SimStream>& stream, SimWorld::Duration after) {
  world_.In(after, [stream] {
    if (std::exchange(stream->centre_open, false) && stream->centre_lost) stream->centre_lost();
  });
}

SimWorld::Duration SimNetwork::Delay() {
  return world_.OneIn(20) ? world_.Between(100ms, 3s) : world_.Between(1ms, 80ms);
}

}  // namespace tillwire
