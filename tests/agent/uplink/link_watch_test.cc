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

bool BringLoopbackUp() {
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ioctl(descriptor, SIOCSIFFLAGS, &request) == 0;
  close(descriptor);
  return up;
}

// In a network namespace of its own, where loopback is down at first.
int WatchLoopbackComeUp() {
  if (unshare(CLONE_NEWNET) != 0) return kNoNamespace;
  asio::io_context io;
  bool seen = false;
  const LinkWatch watch(io, [&] {
    seen = true;
    io.stop();
  });
  if (!BringLoopbackUp()) return kNoNamespace;
  io.run_for(std::chrono::seconds(10));
  return seen ? kSeen : kNotSeen;
}

TEST_CASE("an interface that comes up is noticed") {
  const pid_t child = fork();
  if (child == 0) _exit(WatchLoopbackComeUp());
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
