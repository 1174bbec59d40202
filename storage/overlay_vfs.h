// A VFS for SQLite that reads the files of another and keeps every change in memory: whoever works on it, the
// disk stays as it is. It works where nothing can be written, and needs no room on any disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tillwire {

// What may be changed in one overlay, in memory, where its maker says nothing else. A change beyond it fails
// as on a full disk.
inline constexpr std::uint64_t kMaxOverlayBytes = 1ULL << 30;

// Registered for as long as it lives; the databases and files on it are closed before. They are used by one
// thread at a time. What is changed through one of them shows in those that are opened later.
class OverlayVfs {
 public:
  // `below`: the VFS that is read, by name; empty for the system's. It is asked for no lock: whoever makes an
  // overlay sees to it that nobody writes meanwhile.
  explicit OverlayVfs(std::uint64_t max_bytes = kMaxOverlayBytes, const std::string& below = {});
  ~OverlayVfs();
  OverlayVfs(const OverlayVfs&) = delete;
  OverlayVfs& operator=(const OverlayVfs&) = delete;

  // For DatabaseOptions::vfs.
  [[nodiscard]] const std::string& Name() const;

  class Files;

 private:
  std::unique_ptr<Files> files_;
};

}  // namespace tillwire
