// A network that misbehaves on request: a TCP relay on loopback between an agent and the centre.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tillwire {

// Runs in a thread of its own. Any thread may call; each call has taken effect when it returns.
class ChaosProxy {
 public:
  // Listens on a loopback port of the system's choice.
  ChaosProxy();
  // Closes everything.
  ~ChaosProxy();
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  // Where the agent connects to. It stays this proxy's also while the link is cut.
  [[nodiscard]] std::uint16_t Port() const;
  // Where the centre listens, for connections made from now on. Until then they are refused.
  void SetCentre(std::uint16_t port);

  // The cable is pulled: connections end, new ones are refused. Held ones (HoldUpstream) stay as they are.
  void Cut();
  void Heal();

  // What the centre sends on the connections that stand now never arrives. Bytes being missing, nothing mends
  // those connections: Cut and Heal, or the agent's own watchdog, must replace them.
  void DropAcknowledgements();

  // What the centre sends on the connections that stand now is kept, and delivered later, in order.
  void HoldDownstream();
  void ReleaseDownstream();

  // What the agent sends on the connections that stand now is kept, until ReleaseUpstream, also when the
  // agent dies meanwhile: the centre's end stays open and gets the bytes late, after a restarted agent has
  // sent the same records on a new connection. New connections flow.
  void HoldUpstream();
  void ReleaseUpstream();
  [[nodiscard]] std::size_t HeldUpstreamBytes() const;

  // As if packets vanished: on all connections, those to come included, nothing arrives any more, in that
  // direction or in both, and nobody is told. What is sent meanwhile is kept, and arrives after EndSilence().
  enum class Direction { kUpstream, kDownstream, kBoth };
  void Silence(Direction direction);
  void EndSilence();

  // Each piece of data is passed on so much later, in both directions.
  void SetLatency(std::chrono::milliseconds latency);

  // Connections accepted since the start.
  [[nodiscard]] std::uint64_t Connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tillwire
