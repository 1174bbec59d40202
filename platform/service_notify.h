// What a service manager is told: systemd's notification protocol (sd_notify(3)), which is a datagram of
// NAME=VALUE lines to the socket that NOTIFY_SOCKET names.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace tillwire {

// Where nobody wants to know, every call does nothing. Any thread may call; none blocks: a manager that does
// not read loses what does not fit.
class ServiceNotifier {
 public:
  // As the environment asks: NOTIFY_SOCKET, and WATCHDOG_USEC with WATCHDOG_PID.
  static ServiceNotifier FromEnvironment();
  // To the socket of that path, or, after a leading '@', of that abstract name. Empty: nobody wants to know.
  explicit ServiceNotifier(const std::string& socket,
                           std::optional<std::chrono::microseconds> watchdog = std::nullopt);
  ~ServiceNotifier();
  ServiceNotifier(ServiceNotifier&& other) noexcept;
  ServiceNotifier& operator=(ServiceNotifier&&) = delete;

  [[nodiscard]] bool Active() const { return descriptor_ >= 0; }
  // How long the manager waits for a beat before it restarts the service; nothing if it does not wait for
  // any.
  [[nodiscard]] std::optional<std::chrono::microseconds> Watchdog() const { return watchdog_; }

  void Ready() const;
  void Stopping() const;
  void Beat() const;
  // One line for a person.
  void Status(const std::string& line) const;

 private:
  void Send(const std::string& state) const;

  int descriptor_ = -1;  // connected, or -1
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace tillwire
