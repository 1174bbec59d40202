// A till and a centre, each a host of its own, and the provider's line between them, which fails on request.
// A test breaks the line, waits until the agent says so, captures on, heals, and has the guarantee checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/e2e/agent_program.h"
#include "tests/e2e/centre_program.h"
#include "tests/e2e/store_driver.h"
#include "tests/support/network_namespace.h"
#include "tests/support/packet_relay.h"
#include "tests/support/temp_directory.h"

namespace tillwire {

// What was seen, for the line that the test prints.
struct Sightings {
  std::optional<std::chrono::milliseconds> detected;  // from the break until the agent said so
  std::string named;                                  // what `tillwire status` said then
  std::optional<std::chrono::milliseconds> healed;    // from healing until an event was delivered
};

// Each test has one, and runs all of it, unless this machine can't have the hosts: then it prints why, and
// passes.
class NetworkRig {
 public:
  static constexpr const char* kCentreAddress = "10.77.0.2";
  static constexpr const char* kCentreName = "centre.test";  // in the till's hosts file
  static constexpr std::uint16_t kPort = 7400;
  static constexpr std::uint16_t kTlsPort = 7443;
  static constexpr std::chrono::seconds kDetectWithin{40};  // keepalive: 30 s and 10 s
  // Above what is promised, for the test's own looking.
  static constexpr std::chrono::milliseconds kSlack{1500};

  // `scenario` is how the line calls it.
  explicit NetworkRig(std::string scenario);
  // Prints the line.
  ~NetworkRig();
  NetworkRig(const NetworkRig&) = delete;
  NetworkRig& operator=(const NetworkRig&) = delete;

  // Starts both programs, waits until they are connected, and has 20 captures delivered.
  void Begin();
  // Captures `count` more, in the background.
  void Capture(std::size_t count);
  // Waits until those are acknowledged.
  void AwaitCaptured();

  // A connection that is new when the link returns was made since, for the agent.
  void AwaitConnectedFor(std::chrono::seconds time);
  // Runs `fault`. What the agent makes of it is timed from here.
  void Break(const std::function<void()>& fault);
  // Waits until the agent says that it is not connected. `text` must be in what it says.
  void AwaitDetected(const std::string& text);
  // Waits until what the agent says of its last failure has `text` in it.
  void AwaitNamed(const std::string& text, std::chrono::milliseconds within);
  // Why the event that was acknowledged last has not arrived, as the agent explains it.
  v1::ExplanationReason ReasonOfLast();
  // Waits until the centre, too, has given the stream up.
  void AwaitForgottenByCentre();
  // Runs `mend`; delivery is timed from here.
  void Heal(const std::function<void()>& mend);
  // Waits until something is delivered, for `within` at most.
  void AwaitSending(std::chrono::milliseconds within);
  // Has everything delivered, then checks the guarantee, order and memory at the centre.
  void Finish(std::chrono::milliseconds drain = std::chrono::seconds(60));

  // -- The hosts. Interfaces: till0 and centre0 at the ends, till1 and centre1 in the middle

  [[nodiscard]] const NetworkNamespace& Till() const { return till_; }
  [[nodiscard]] const NetworkNamespace& Provider() const { return provider_; }
  [[nodiscard]] const NetworkNamespace& Side() const { return side_; }
  PacketRelay& Line() { return *line_; }
  // What the till's resolver finds: lines of /etc/hosts and /etc/resolv.conf. Before Begin() it makes the
  // till have files of its own; afterwards it changes them.
  void SetNames(const std::string& hosts, const std::string& resolver = {});
  // Before Begin(), with names: the connection is encrypted, the centre's certificate one for its name.
  void UseTls();
  // Streams that the centre says are open.
  [[nodiscard]] int StreamsAtCentre() const;

 private:
  void AwaitQuiet();

  TempDirectory directory_;
  const std::string scenario_;
  NetworkNamespace till_;
  NetworkNamespace provider_;
  NetworkNamespace side_;
  std::unique_ptr<PacketRelay> line_;
  std::unique_ptr<StoreDriver> driver_;
  std::size_t allowed_ = 0;
  std::chrono::steady_clock::time_point broken_at_;
  std::chrono::steady_clock::time_point healed_at_;
  std::uint64_t delivered_before_ = 0;
  Sightings seen_;
  std::string outcome_ = "not finished";

 public:
  AgentProgram agent;
  CentreProgram centre;
};

// Whether the hosts can be had; else it has printed why not. `scenario` is for that line.
bool HaveNetwork(const std::string& scenario);

}  // namespace tillwire
