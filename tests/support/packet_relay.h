// A line that misbehaves on request, packet by packet: stands between two network interfaces and passes on
// what comes, less what gets lost, later, and no faster than it may. For kernels without netem, too.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace tillwire {

class NetworkNamespace;

// What happens to the packets of one direction.
struct Weather {
  double loss = 0;                     // the share of packets that vanish; 1: all do
  std::chrono::milliseconds delay{0};  // each is so much later
  std::uint64_t bits_per_second =
      0;  // 0: as fast as they come. Beyond two seconds' worth of waiting they are dropped
};

// The two interfaces are of one namespace, which need not know of IP. Only IP packets suffer: ARP passes,
// since what stands behind a till's own switch is what fails. Runs in a thread of its own; any thread may
// call.
class PacketRelay {
 public:
  enum class Direction { kUp, kDown };  // from the first interface to the second, and back

  // `seed` decides which packets are lost. Throws std::system_error where an interface can't be listened to.
  PacketRelay(const NetworkNamespace& where, const std::string& first, const std::string& second,
              std::uint64_t seed);
  ~PacketRelay();
  PacketRelay(const PacketRelay&) = delete;
  PacketRelay& operator=(const PacketRelay&) = delete;

  void Set(Direction direction, const Weather& weather);
  void SetBoth(const Weather& weather);

  [[nodiscard]] std::uint64_t Passed() const;
  [[nodiscard]] std::uint64_t Lost() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Has the kernel hand over whole packets with their checksums, on the interface of that name in this thread's
// namespace: what is left for a network card to do would never be done.
void TurnOffloadsOff(const std::string& interface);

}  // namespace tillwire
