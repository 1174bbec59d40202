#include "platform/service_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/support/notify_socket.h"
#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// The variables of the service manager, for the length of a test.
class Environment {
 public:
  Environment(const std::string& socket, const std::string& usec, const std::string& pid) {
    setenv("NOTIFY_SOCKET", socket.c_str(), 1);
    setenv("WATCHDOG_USEC", usec.c_str(), 1);
    setenv("WATCHDOG_PID", pid.c_str(), 1);
  }
  ~Environment() {
    for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
};

TEST_CASE("Each call is a datagram of the protocol") {
  const TempDirectory directory;
  NotifySocket manager((directory.Path() / "notify").string());
  const ServiceNotifier notifier(manager.Path());
  CHECK(notifier.Active());
  notifier.Ready();
  notifier.Status("connected to host;\n3 pending");
  notifier.Beat();
  notifier.Stopping();
  CHECK(manager.Next(5s) == "READY=1");
  CHECK(manager.Next(5s) == "STATUS=connected to host; 3 pending");
  CHECK(manager.Next(5s) == "WATCHDOG=1");
  CHECK(manager.Next(5s) == "STOPPING=1");
}

TEST_CASE("An abstract socket is found") {
  NotifySocket manager("@tillwire-test-" + std::to_string(getpid()));
  const ServiceNotifier notifier(manager.Path());
  notifier.Ready();
  CHECK(manager.Next(5s) == "READY=1");
}

TEST_CASE("The environment says whom to tell and whether beats are wanted") {
  const TempDirectory directory;
  NotifySocket manager((directory.Path() / "notify").string());
  const std::string self = std::to_string(getpid());
  {
    const Environment environment(manager.Path(), "3000000", self);
    const auto notifier = ServiceNotifier::FromEnvironment();
    CHECK(notifier.Active());
    CHECK(notifier.Watchdog() == 3s);
  }
  {
    const Environment environment(manager.Path(), "3000000", "");
    CHECK(ServiceNotifier::FromEnvironment().Watchdog() == 3s);
  }
  for (const auto& [usec, pid] : {std::pair(std::string("3000000"), std::string("1")),
                                  {"", self},
                                  {"0", self},
                                  {"soon", self},
                                  {"-5", self}}) {
    const Environment environment(manager.Path(), usec, pid);
    const auto notifier = ServiceNotifier::FromEnvironment();
    CHECK(notifier.Active());
    CHECK_FALSE(notifier.Watchdog());
  }
}

TEST_CASE("Where nobody wants to know, and where nobody listens, calls do nothing") {
  CHECK_FALSE(ServiceNotifier::FromEnvironment().Active());
  const ServiceNotifier nobody("");
  nobody.Ready();
  CHECK_FALSE(nobody.Active());
  CHECK_FALSE(ServiceNotifier("/nowhere/notify", 1s).Watchdog());
  CHECK_FALSE(ServiceNotifier("/" + std::string(200, 'x')).Active());
}

TEST_CASE("A manager that does not read never blocks the service") {
  const TempDirectory directory;
  const std::string path = (directory.Path() / "notify").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int deaf = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(deaf, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const ServiceNotifier notifier(path);
  REQUIRE(notifier.Active());
  for (int i = 0; i < 10'000; ++i) notifier.Beat();
  close(deaf);
  SUCCEED("every call returned");
}

}  // namespace
}  // namespace tillwire
