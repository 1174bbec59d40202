#include "agent/spool/spool_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <tuple>
#include <utility>

#include "platform/file_descriptor.h"
#include "platform/files.h"

namespace tillwire {
namespace {

constexpr std::size_t kBufferBytes = 16 * 1024;  // an announcement has at most some 270 bytes
// A writer that does not rename is met halfway: its file counts when it is closed.
constexpr std::uint32_t kNewEvents = IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR;
constexpr std::uint32_t kBadEvents = IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR;
// A folder that somebody holds open does not say itself that it was deleted; the one above it does.
constexpr std::uint32_t kTopEvents = IN_MOVED_FROM | IN_DELETE | IN_MOVE_SELF | IN_ONLYDIR;

// inotify's own limits come as "no space" and "too many open files".
Error WatchError(const std::filesystem::path& path, int error_number) {
  Error error = FileError("watch", path, error_number);
  if (error_number == ENOSPC) error.hint = "raise the sysctl fs.inotify.max_user_watches";
  if (error_number == EMFILE) error.hint = "raise the sysctl fs.inotify.max_user_instances";
  return error;
}

}  // namespace

class SpoolWatch::Impl : public std::enable_shared_from_this<Impl> {
 public:
  struct Watches {
    int of_top = -1;
    int of_new = -1;
    int of_bad = -1;
  };

  Impl(asio::io_context& io, FileDescriptor descriptor, Watches watches, Callbacks callbacks)
      : descriptor_(io, descriptor.Release()), watches_(watches), callbacks_(std::move(callbacks)) {}

  void Wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const asio::error_code& error) {
                             if (error || self->stopped_) return;
                             self->Drain();
                             if (!self->stopped_) self->Wait();
                           });
  }

  void Stop() {
    stopped_ = true;
    descriptor_.close();
  }

 private:
  // Reads all that waits, then calls each callback once: whoever is called lists the folder.
  void Drain() {
    alignas(inotify_event) std::array<char, kBufferBytes> buffer{};
    bool is_new = false;
    bool is_bad = false;
    bool gone = false;
    while (true) {
      const ssize_t size = read(descriptor_.native_handle(), buffer.data(), buffer.size());
      if (size <= 0) break;
      for (ssize_t at = 0; at < size;) {
        const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
        const bool lost = (event.mask & IN_Q_OVERFLOW) != 0;
        if (lost || event.wd == watches_.of_new) is_new = true;
        if (lost || event.wd == watches_.of_bad) is_bad = true;
        if (lost || event.wd == watches_.of_top) gone = true;
        at += static_cast<ssize_t>(sizeof event + event.len);
      }
    }
    // The one that is called may end this watch.
    const auto self = shared_from_this();
    if (is_new) callbacks_.on_new();
    if (is_bad && !stopped_) callbacks_.on_bad();
    if (gone && !stopped_) callbacks_.on_gone();
  }

  asio::posix::stream_descriptor descriptor_;
  const Watches watches_;
  const Callbacks callbacks_;
  bool stopped_ = false;
};

Result<std::unique_ptr<SpoolWatch>> SpoolWatch::Start(asio::io_context& io, const SpoolFolder& folder,
                                                      Callbacks callbacks) {
  FileDescriptor descriptor(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!descriptor.IsOpen()) return WatchError(folder.NewPath(), errno);
  Impl::Watches watches;
  const std::tuple<int*, std::filesystem::path, std::uint32_t> wanted[] = {
      {&watches.of_top, folder.Directory(), kTopEvents},
      {&watches.of_new, folder.NewPath(), kNewEvents},
      {&watches.of_bad, folder.BadPath(), kBadEvents}};
  for (const auto& [watch, path, events] : wanted) {
    *watch = inotify_add_watch(descriptor.Get(), path.c_str(), events);
    if (*watch < 0) return WatchError(path, errno);
  }
  auto impl = std::make_shared<Impl>(io, std::move(descriptor), watches, std::move(callbacks));
  impl->Wait();
  return std::unique_ptr<SpoolWatch>(new SpoolWatch(std::move(impl)));
}

SpoolWatch::~SpoolWatch() {
  impl_->Stop();
}

}  // namespace tillwire
