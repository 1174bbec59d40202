// The network between agents and the centre: streams with delay that keep their order, break, hang half-open,
// or can't be opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "core/write_back.h"
#include "tests/sim/sim_world.h"

namespace tillwire {

// One stream. Each end is closed by its owner or by the network.
struct SimStream {
  std::uint64_t number = 0;
  std::function<void(ToAgent)> to_agent;
  std::function<void()> agent_lost;  // the agent's end is over
  std::function<void(ToCentre)> to_centre;
  std::function<void()> centre_lost;
  bool agent_open = true;
  bool centre_open = true;
  bool mute = false;  // half-open: what is sent arrives nowhere, and nobody has noticed yet
  SimWorld::Duration up_free{0}, down_free{0};  // when the next message of that direction may arrive
};

class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world) : world_(world) {}

  // The centre's side of what an agent opens; null ends the attempt. Set by the centre while it runs.
  std::function<void(const std::shared_ptr<SimStream>&)> accept;

  // The agent has filled in its side. It hears agent_lost() where nothing answers.
  void Open(const std::shared_ptr<SimStream>& stream);
  void SendUp(const std::shared_ptr<SimStream>& stream, ToCentre message);
  void SendDown(const std::shared_ptr<SimStream>& stream, ToAgent message);
  void CloseByAgent(const std::shared_ptr<SimStream>& stream);
  void CloseByCentre(const std::shared_ptr<SimStream>& stream);

  // Faults: every stream breaks; every stream hangs until keepalive finds it; nothing can be opened.
  void BreakAll();
  void HangAll();
  void SetDown(bool down) { down_ = down; }
  // Agents find out that nobody answers them; the centre's ends live on for a while.
  void LoseAgents();
  // One replica of the centre serves, another stands by: some connections reach that one, which refuses them.
  void SetStandBy(bool stands_by) { stands_by_ = stands_by; }

 private:
  void LoseAgentEnd(const std::shared_ptr<SimStream>& stream, SimWorld::Duration after);
  void LoseCentreEnd(const std::shared_ptr<SimStream>& stream, SimWorld::Duration after);
  [[nodiscard]] SimWorld::Duration Delay();

  SimWorld& world_;
  bool down_ = false;
  bool stands_by_ = false;
  std::uint64_t next_number_ = 1;
  std::list<std::shared_ptr<SimStream>> open_;
};

}  // namespace tillwire
