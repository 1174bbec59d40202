// Notices that the network came back, so that the uplink need not wait for its back-off to run out.
#pragma once

#include <functional>
#include <memory>

namespace asio {
class io_context;
}

namespace tillwire {

// Listens to the kernel's announcements about interfaces and addresses (rtnetlink(7)). Where they can't be
// had, it says so in the log and stays silent: the back-off alone then brings the uplink back.
class LinkWatch {
 public:
  // `on_link_up` is called on the thread that runs `io`, each time an interface begins to run or gets an
  // address that it did not have, loopback included. The kernel repeats itself, for example whenever a router
  // refreshes IPv6 addresses; repetitions don't count, or all tills of a store would call at once. What holds
  // when the watch begins is not known to it, so its first announcement counts.
  LinkWatch(asio::io_context& io, std::function<void()> on_link_up);
  ~LinkWatch();
  LinkWatch(const LinkWatch&) = delete;
  LinkWatch& operator=(const LinkWatch&) = delete;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tillwire
