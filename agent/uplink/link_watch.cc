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
#include <set>
#include <string>
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

// What was announced so far, to tell news from repetitions.
class LinkState {
 public:
  // Whether the message says that an interface came to run, or has an address that was not known.
  bool IsGoodNews(const nlmsghdr& message) {
    switch (message.nlmsg_type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        return TakeLink(message);
      case RTM_NEWADDR:
      case RTM_DELADDR:
        return TakeAddress(message);
      default:
        return false;
    }
  }

  void Forget() {
    running_.clear();
    addresses_.clear();
  }

 private:
  bool TakeLink(const nlmsghdr& message) {
    const auto& link = *static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
    if (link.ifi_family != AF_UNSPEC) return false;  // a bridge speaks of its port, not of the interface
    if (message.nlmsg_type == RTM_NEWLINK && (link.ifi_flags & IFF_RUNNING) != 0) {
      return running_.insert(link.ifi_index).second;
    }
    running_.erase(link.ifi_index);
    return false;
  }

  bool TakeAddress(const nlmsghdr& message) {
    const auto& address = *static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
    std::string key = std::to_string(address.ifa_index) + '/' + std::to_string(address.ifa_family);
    auto left = static_cast<unsigned>(IFA_PAYLOAD(&message));
    for (const auto* part = IFA_RTA(&address); RTA_OK(part, left); part = RTA_NEXT(part, left)) {
      if (part->rta_type != IFA_ADDRESS && part->rta_type != IFA_LOCAL) continue;
      key += part->rta_type == IFA_LOCAL ? "/l" : "/a";
      key.append(static_cast<const char*>(RTA_DATA(part)), RTA_PAYLOAD(part));
    }
    if (message.nlmsg_type == RTM_DELADDR) {
      addresses_.erase(key);
      return false;
    }
    // Not usable yet: it is announced again when it was found to be unique.
    if ((address.ifa_flags & IFA_F_TENTATIVE) != 0) return false;
    return addresses_.insert(std::move(key)).second;
  }

  std::set<int> running_;            // interfaces by index
  std::set<std::string> addresses_;  // interface, family and address
};

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

  // Reads all that waits. Announcements that were lost for want of room count as good news, and nothing is
  // known then.
  bool DrainSaysLinkUp() {
    alignas(nlmsghdr) std::array<char, kBufferBytes> buffer{};
    bool up = false;
    while (true) {
      const ssize_t size = recv(descriptor_.native_handle(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == ENOBUFS) {
        state_.Forget();
        up = true;
        continue;
      }
      if (size <= 0) return up;
      auto left = static_cast<unsigned>(size);
      for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
           message = NLMSG_NEXT(message, left)) {
        up = state_.IsGoodNews(*message) || up;
      }
    }
  }

  asio::posix::stream_descriptor descriptor_;
  LinkState state_;
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
