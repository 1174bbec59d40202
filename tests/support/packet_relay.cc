#include "tests/support/packet_relay.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/support/network_namespace.h"

namespace tillwire {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMaxFrameBytes = 65'536;
constexpr std::chrono::seconds kMaxQueue{2};  // of a slow line: about what a modem holds
constexpr int kSocketBufferBytes = 4 << 20;

void Check(bool done, const std::string& what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

int OpenPacketSocket(const std::string& interface) {
  const int packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  Check(packets >= 0, "a packet socket can't be had");
  const int on = 1;
  setsockopt(packets, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  setsockopt(packets, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (address.sll_ifindex != 0 && bind(packets, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    return packets;
  }
  const std::system_error failure(errno, std::generic_category(), "can't listen to interface " + interface);
  close(packets);
  throw failure;
}

bool IsIp(const std::vector<char>& frame) {
  if (frame.size() < sizeof(ether_header)) return false;
  ether_header header{};
  std::memcpy(&header, frame.data(), sizeof header);
  return header.ether_type == htons(ETHERTYPE_IP);
}

// One direction. Used with the relay's lock held.
class Lane {
 public:
  Weather weather;

  // What becomes of a frame that came now; false if it is lost.
  bool Take(std::vector<char> frame, Steady::time_point now, std::mt19937_64& random) {
    if (!IsIp(frame)) {
      queue_.push_front({now, std::move(frame)});
      return true;
    }
    if (std::uniform_real_distribution<double>(0, 1)(random) < weather.loss) return false;
    Steady::time_point sent = now;
    if (weather.bits_per_second > 0) {
      if (busy_until_ > now + kMaxQueue) return false;
      const double seconds =
          static_cast<double>(frame.size() * 8) / static_cast<double>(weather.bits_per_second);
      sent = std::max(now, busy_until_) +
             std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
      busy_until_ = sent;
    }
    queue_.push_back({sent + weather.delay, std::move(frame)});
    return true;
  }

  [[nodiscard]] std::optional<Steady::time_point> NextDue() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.front().due);
  }
  std::vector<char> Pop() {
    std::vector<char> frame = std::move(queue_.front().frame);
    queue_.pop_front();
    return frame;
  }

 private:
  struct Waiting {
    Steady::time_point due;
    std::vector<char> frame;
  };
  std::deque<Waiting> queue_;
  Steady::time_point busy_until_;
};

}  // namespace

class PacketRelay::Impl {
 public:
  Impl(const NetworkNamespace& where, const std::string& first, const std::string& second, std::uint64_t seed)
      : random_(seed), wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    where.Run([&] { sockets_ = {OpenPacketSocket(first), OpenPacketSocket(second)}; });
    thread_ = std::thread([this] { Serve(); });
  }
  ~Impl() {
    stopping_ = true;
    Wake();
    thread_.join();
    close(wakeup_);
    for (const int each : sockets_) close(each);
  }

  void Set(Direction direction, const Weather& weather) {
    const std::lock_guard lock(mutex_);
    lanes_.at(direction == Direction::kUp ? 0 : 1).weather = weather;
  }

  std::atomic<std::uint64_t> passed = 0;
  std::atomic<std::uint64_t> lost = 0;

 private:
  void Wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wakeup_, &one, sizeof one);
  }

  void Serve() {
    while (!stopping_) {
      std::array<pollfd, 3> ready{{{sockets_[0], POLLIN, 0}, {sockets_[1], POLLIN, 0}, {wakeup_, POLLIN, 0}}};
      const timespec wait = UntilNextDue();
      ppoll(ready.data(), ready.size(), &wait, nullptr);
      const std::lock_guard lock(mutex_);
      for (std::size_t from = 0; from < sockets_.size(); ++from) {
        TakeIn(from);
        SendDue(from);
      }
    }
  }

  timespec UntilNextDue() {
    const std::lock_guard lock(mutex_);
    Steady::duration wait = std::chrono::seconds(1);
    for (const Lane& lane : lanes_) {
      if (const auto due = lane.NextDue())
        wait = std::min(wait, std::max(*due - Steady::now(), Steady::duration(0)));
    }
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(wait);
    return {whole.count(), std::chrono::nanoseconds(wait - whole).count()};
  }

  void TakeIn(std::size_t from) {
    while (true) {
      const ssize_t size = recv(sockets_.at(from), buffer_.data(), buffer_.size(), 0);
      if (size <= 0) return;  // nothing waits, or the interface is down
      if (!lanes_.at(from).Take({buffer_.data(), buffer_.data() + size}, Steady::now(), random_)) ++lost;
    }
  }

  void SendDue(std::size_t from) {
    Lane& lane = lanes_.at(from);
    for (auto due = lane.NextDue(); due && *due <= Steady::now(); due = lane.NextDue()) {
      const std::vector<char> frame = lane.Pop();
      const bool sent = send(sockets_.at(1 - from), frame.data(), frame.size(), 0) >= 0;
      ++(sent ? passed : lost);  // an interface that is down takes nothing
    }
  }

  std::mutex mutex_;
  std::mt19937_64 random_;
  std::array<Lane, 2> lanes_;  // by the interface that a frame came from
  std::array<int, 2> sockets_{-1, -1};
  const int wakeup_;
  std::vector<char> buffer_ = std::vector<char>(kMaxFrameBytes);
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

PacketRelay::PacketRelay(const NetworkNamespace& where, const std::string& first, const std::string& second,
                         std::uint64_t seed)
    : impl_(std::make_unique<Impl>(where, first, second, seed)) {}
PacketRelay::~PacketRelay() = default;
void PacketRelay::Set(Direction direction, const Weather& weather) {
  impl_->Set(direction, weather);
}
void PacketRelay::SetBoth(const Weather& weather) {
  impl_->Set(Direction::kUp, weather);
  impl_->Set(Direction::kDown, weather);
}
std::uint64_t PacketRelay::Passed() const {
  return impl_->passed;
}
std::uint64_t PacketRelay::Lost() const {
  return impl_->lost;
}

void TurnOffloadsOff(const std::string& interface) {
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Check(any >= 0, "a socket can't be had");
  for (const std::uint32_t command : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM}) {
    ethtool_value off{command, 0};
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&off);
    const bool done = ioctl(any, SIOCETHTOOL, &request) == 0;
    if (!done) {
      close(any);
      Check(false, "the offloads of " + interface + " can't be turned off");
    }
  }
  close(any);
}

}  // namespace tillwire
