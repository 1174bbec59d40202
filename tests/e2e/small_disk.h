// A small file system of its own, to be filled up.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/temp_directory.h"

namespace tillwire {

class SmallDisk {
 public:
  // ext4 on a loop device where that works, else tmpfs. Nothing where neither can be mounted.
  static std::unique_ptr<SmallDisk> Mount(std::uint64_t mebibytes);
  // Unmounts it.
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] std::filesystem::path Path() const { return directory_.Path() / "disk"; }
  [[nodiscard]] const std::string& Kind() const { return kind_; }

  // Others take the room, until just so much is free, or a little less.
  void LeaveFree(std::uint64_t bytes);
  // They give it back.
  void Clear();
  [[nodiscard]] std::uint64_t FreeBytes() const;
  // Nobody may have a file open for writing. Throws std::runtime_error if it can't be done.
  void SetReadOnly(bool read_only);

 private:
  SmallDisk() = default;

  TempDirectory directory_;
  std::string kind_;
};

}  // namespace tillwire
