// A VFS for SQLite that reads the system's files and keeps every change in memory: whoever works on it, the
// disk stays as it is. It works where nothing can be written, and needs no room on any disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tillwire {

// What may be changed in one overlay, in memory. A change beyond it fails as on a full disk.
inline constexpr std::uint64_t kMaxOverlayBytes = 1ULL << 30;

// Registered for as long as it lives; the databases and files on it are closed before. They are used by one
// thread at a time. What is changed through one of them shows in those that are opened later.
class OverlayVfs {
 public:
  OverlayVfs();
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
