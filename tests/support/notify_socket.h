// A service manager's end of the notification protocol.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tillwire {

// Reads all the time, as systemd does: the system keeps ten datagrams only.
class NotifySocket {
 public:
  // Listens at `path`, or, after a leading '@', under that abstract name. Throws std::system_error.
  explicit NotifySocket(std::string path);
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  [[nodiscard]] const std::string& Path() const { return path_; }
  // The next datagram; empty if none comes in time.
  std::string Next(std::chrono::milliseconds timeout);
  // The next datagram that begins so; those before it are passed over. Empty if none comes in time.
  std::string WaitFor(const std::string& beginning, std::chrono::milliseconds timeout);
  // Whether a datagram that begins so has come since the beginning, or comes in time.
  bool Saw(const std::string& beginning, std::chrono::milliseconds timeout);
  // Everything that came, a line each.
  std::string Transcript();

 private:
  void Read();

  const std::string path_;
  int descriptor_ = -1;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::string> all_;
  std::size_t next_ = 0;
  std::thread reader_;
};

}  // namespace tillwire
