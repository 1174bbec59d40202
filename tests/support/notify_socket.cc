#include "tests/support/notify_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

namespace tillwire {

NotifySocket::NotifySocket(std::string path)
    : path_(std::move(path)), descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  if (path_.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  if (descriptor_ < 0 || bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    throw std::system_error(errno, std::generic_category(), "bind " + path_);
  }
  reader_ = std::thread([this] { Read(); });
}

NotifySocket::~NotifySocket() {
  shutdown(descriptor_, SHUT_RDWR);  // ends the read
  reader_.join();
  close(descriptor_);
}

void NotifySocket::Read() {
  std::array<char, 4096> datagram{};
  for (ssize_t size = 0; (size = recv(descriptor_, datagram.data(), datagram.size(), 0)) > 0;) {
    const std::lock_guard lock(mutex_);
    all_.emplace_back(datagram.data(), static_cast<std::size_t>(size));
    came_.notify_all();
  }
}

std::string NotifySocket::Next(std::chrono::milliseconds timeout) {
  return WaitFor("", timeout);
}

std::string NotifySocket::WaitFor(const std::string& beginning, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  std::string found;
  came_.wait_for(lock, timeout, [&] {
    while (found.empty() && next_ < all_.size()) {
      if (all_[next_].starts_with(beginning)) found = all_[next_];
      ++next_;
    }
    return !found.empty();
  });
  return found;
}

bool NotifySocket::Saw(const std::string& beginning, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, timeout, [&] {
    return std::any_of(all_.begin(), all_.end(),
                       [&](const std::string& datagram) { return datagram.starts_with(beginning); });
  });
}

std::string NotifySocket::Transcript() {
  const std::lock_guard lock(mutex_);
  std::string transcript;
  for (const std::string& datagram : all_) transcript += datagram + "\n";
  return transcript;
}

}  // namespace tillwire
