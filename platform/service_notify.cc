#include "platform/service_notify.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/text.h"

namespace tillwire {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A datagram socket that sends to the manager; -1, and a line in the log, where that can't be had.
int Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() > sizeof address.sun_path - 1) {
    spdlog::warn(
        "service: the path in NOTIFY_SOCKET is too long, the service manager is not told socket=\"{}\"",
        path);
    return -1;
  }
  path.copy(address.sun_path, path.size());
  socklen_t length = sizeof address;
  if (path.front() == '@') {
    // An abstract name ends with the address, not with a zero.
    address.sun_path[0] = '\0';
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  }
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor >= 0 && connect(descriptor, reinterpret_cast<const sockaddr*>(&address), length) == 0) {
    return descriptor;
  }
  spdlog::warn("service: the service manager is not told socket=\"{}\" error=\"{}\"", path,
               std::generic_category().message(errno));
  if (descriptor >= 0) close(descriptor);
  return -1;
}

}  // namespace

ServiceNotifier ServiceNotifier::FromEnvironment() {
  std::optional<std::chrono::microseconds> watchdog;
  const auto usec = ParseCount(Variable("WATCHDOG_USEC"));
  const std::string pid = Variable("WATCHDOG_PID");
  // The variables may be meant for a parent of this process.
  if (usec && *usec > 0 && (pid.empty() || ParseCount(pid) == static_cast<std::uint64_t>(getpid()))) {
    watchdog = std::chrono::microseconds(*usec);
  }
  return ServiceNotifier(Variable("NOTIFY_SOCKET"), watchdog);
}

ServiceNotifier::ServiceNotifier(const std::string& socket, std::optional<std::chrono::microseconds> watchdog)
    : descriptor_(socket.empty() ? -1 : Connect(socket)) {
  if (Active()) watchdog_ = watchdog;
}

ServiceNotifier::~ServiceNotifier() {
  if (Active()) close(descriptor_);
}

ServiceNotifier::ServiceNotifier(ServiceNotifier&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), watchdog_(other.watchdog_) {}

void ServiceNotifier::Ready() const {
  Send("READY=1");
}
void ServiceNotifier::Stopping() const {
  Send("STOPPING=1");
}
void ServiceNotifier::Beat() const {
  Send("WATCHDOG=1");
}
void ServiceNotifier::Status(const std::string& line) const {
  std::string one_line = line;
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  Send("STATUS=" + one_line);
}

void ServiceNotifier::Send(const std::string& state) const {
  if (!Active()) return;
  if (send(descriptor_, state.data(), state.size(), MSG_NOSIGNAL) < 0) {
    spdlog::debug("service: a notification was lost error=\"{}\"", std::generic_category().message(errno));
  }
}

}  // namespace tillwire
