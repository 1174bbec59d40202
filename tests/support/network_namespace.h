// A host of a test's own: a network namespace, which has its own interfaces, addresses and ports.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tillwire {

// Nothing names the namespace but this object's descriptor and the processes in it, so the kernel takes it
// away, with its interfaces, when they are gone, in whatever way. Any thread may call.
class NetworkNamespace {
 public:
  // Throws std::system_error where this process may not have one.
  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  // Runs `body` on a thread that is in the namespace: a socket that it opens stays there. Throws what it
  // throws.
  void Run(const std::function<void()>& body) const;
  // To be put in front of a command, so that it runs in the namespace.
  [[nodiscard]] std::vector<std::string> Launcher() const;
  // Runs `ip -batch` there with these lines. Throws std::runtime_error where one fails.
  void Ip(const std::string& lines) const;
  // A path that ip(8) takes for the namespace.
  [[nodiscard]] std::string Path() const;

 private:
  int descriptor_ = -1;
};

// Why this machine can't have connected namespaces, in words; nothing where it can.
std::optional<std::string> WhyNoNamespaces();

}  // namespace tillwire
