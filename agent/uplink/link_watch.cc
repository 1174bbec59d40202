#include "agent/uplink/link_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tillwire {
namespace {

constexpr std::size_t kBufferBytes = 16 * 1024;  // an announcement is a few hundred bytes

int OpenNetlink() {
  const int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (descriptor < 0) return -1;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return descriptor;
  const int failed = errno;
  close(descriptor);
  errno = failed;
  return -1;
}

bool SaysLinkUp(const nlmsghdr& message) {
  if (message.nlmsg_type == RTM_NEWADDR) return true;
  if (message.nlmsg_type != RTM_NEWLINK) return false;
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  return (link->ifi_flags & IFF_RUNNING) != 0;
}

}  // namespace

class LinkWatch::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, std::function<void()> on_link_up)
      : descriptor_(io), on_link_up_(std::move(on_link_up)) {}

  void Start() {
    const int descriptor = OpenNetlink();
    if (descriptor < 0) {
      spdlog::info("uplink: link changes can't be watched, the back-off alone decides error=\"{}\"",
                   std::strerror(errno));
      return;
    }
    descriptor_.assign(descriptor);
    Wait();
  }

  void Stop() {
    on_link_up_ = nullptr;
    descriptor_.close();
  }

 private:
  void Wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const asio::error_code& error) {
                             if (error || !self->on_link_up_) return;
                             if (self->DrainSaysLinkUp()) self->on_link_up_();
                             if (self->on_link_up_) self->Wait();
                           });
  }

  // Reads all that waits. Announcements that were lost for want of room count as good news.
  bool DrainSaysLinkUp() {
    alignas(nlmsghdr) std::array<char, kBufferBytes> buffer{};
    bool up = false;
    while (true) {
      const ssize_t size = recv(descriptor_.native_handle(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == ENOBUFS) up = true;
      if (size <= 0) return up;
      auto left = static_cast<unsigned>(size);
      for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
           message = NLMSG_NEXT(message, left)) {
        up = up || SaysLinkUp(*message);
      }
    }
  }

  asio::posix::stream_descriptor descriptor_;
  std::function<void()> on_link_up_;
};

LinkWatch::LinkWatch(asio::io_context& io, std::function<void()> on_link_up)
    : impl_(std::make_shared<Impl>(io, std::move(on_link_up))) {
  impl_->Start();
}

LinkWatch::~LinkWatch() {
  impl_->Stop();
}

}  // namespace tillwire
