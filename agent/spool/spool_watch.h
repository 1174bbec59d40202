// Notices files that come into the spool, so that nobody has to look for them.
#pragma once

#include <functional>
#include <memory>

#include "core/result.h"
#include "platform/spool_folder.h"

namespace asio {
class io_context;
}

namespace tillwire {

// inotify(7) on new/, bad/ and the folder that holds them.
class SpoolWatch {
 public:
  struct Callbacks {
    std::function<void()> on_new;  // a file was renamed into new/, or closed there after writing
    std::function<void()> on_bad;  // something changed in bad/
    std::function<void()>
        on_gone;  // something of the spool's own was moved or deleted: it must be opened anew
  };

  // All are called on the thread that runs `io`, never by Start() itself.
  static Result<std::unique_ptr<SpoolWatch>> Start(asio::io_context& io, const SpoolFolder& folder,
                                                   Callbacks callbacks);
  ~SpoolWatch();
  SpoolWatch(const SpoolWatch&) = delete;
  SpoolWatch& operator=(const SpoolWatch&) = delete;

 private:
  class Impl;
  explicit SpoolWatch(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace tillwire
