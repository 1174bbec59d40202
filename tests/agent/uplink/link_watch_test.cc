#include "agent/uplink/link_watch.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>

namespace tillwire {
namespace {

constexpr int kSeen = 0;
constexpr int kNotSeen = 1;
constexpr int kNoNamespace = 2;
constexpr int kRepetitionCounted = 3;
constexpr int kDownCounted = 4;

bool SetLoopback(unsigned long what, ifreq request) {
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  const bool done = ioctl(descriptor, what, &request) == 0;
  close(descriptor);
  return done;
}

bool BringLoopback(bool up) {
  ifreq request{};
  request.ifr_flags = up ? IFF_UP | IFF_RUNNING : 0;
  return SetLoopback(SIOCSIFFLAGS, request);
}

// Has the kernel announce the interface, which goes on running.
bool ResizeLoopback(int mtu) {
  ifreq request{};
  request.ifr_mtu = mtu;
  return SetLoopback(SIOCSIFMTU, request);
}

// In a network namespace of its own, where loopback is down at first.
int WatchLoopback() {
  if (unshare(CLONE_NEWNET) != 0) return kNoNamespace;
  asio::io_context io;
  int seen = 0;
  const LinkWatch watch(io, [&] { ++seen; });
  const auto take_announcements = [&] {
    io.run_one_for(std::chrono::seconds(10));
    io.poll();
  };
  if (!BringLoopback(true)) return kNoNamespace;
  take_announcements();
  if (seen == 0) return kNotSeen;
  const int after_first = seen;
  if (!ResizeLoopback(1500)) return kNoNamespace;
  take_announcements();
  if (seen != after_first) return kRepetitionCounted;
  if (!BringLoopback(false)) return kNoNamespace;
  take_announcements();
  if (seen != after_first) return kDownCounted;
  if (!BringLoopback(true)) return kNoNamespace;
  take_announcements();
  return seen > after_first ? kSeen : kNotSeen;
}

TEST_CASE("an interface that comes up is noticed, each time and once") {
  const pid_t child = fork();
  if (child == 0) _exit(WatchLoopback());
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kNoNamespace) {
    WARN("this machine forbids network namespaces: the watch was not tried");
    return;
  }
  CHECK(WEXITSTATUS(status) == kSeen);
}

}  // namespace
}  // namespace tillwire
