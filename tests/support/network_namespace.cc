#include "tests/support/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "tests/support/process.h"

namespace tillwire {
namespace {

// On a thread of its own, since a thread's namespace is its own. Throws what `body` throws.
void OnThread(const std::function<void()>& body) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      body();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

void Check(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

NetworkNamespace::NetworkNamespace() {
  OnThread([this] {
    Check(unshare(CLONE_NEWNET) == 0, "a network namespace can't be made");
    descriptor_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    Check(descriptor_ >= 0, "/proc/thread-self/ns/net");
  });
}

NetworkNamespace::~NetworkNamespace() {
  close(descriptor_);
}

void NetworkNamespace::Run(const std::function<void()>& body) const {
  OnThread([&] {
    Check(setns(descriptor_, CLONE_NEWNET) == 0, "setns");
    body();
  });
}

std::string NetworkNamespace::Path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_);
}

std::vector<std::string> NetworkNamespace::Launcher() const {
  return {"nsenter", "--net=" + Path()};
}

void NetworkNamespace::Ip(const std::string& lines) const {
  const CommandOutcome outcome = RunCommand("nsenter", {"--net=" + Path(), "ip", "-batch", "-"}, lines);
  if (!outcome.status.Clean()) throw std::runtime_error("ip failed: " + outcome.errors + "at:\n" + lines);
}

std::optional<std::string> WhyNoNamespaces() {
  try {
    const NetworkNamespace one;
    const NetworkNamespace other;
    one.Ip("link add name a type veth peer name b netns " + other.Path() + "\n");
    one.Run([] {
      const int packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
      Check(packets >= 0, "a packet socket can't be had");
      close(packets);
    });
    return std::nullopt;
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

}  // namespace tillwire
