// What the disk can do at best for one record at a time: 4 KiB written and synced, with nothing around it.
#pragma once

#include <cstddef>
#include <filesystem>

#include "tests/bench/samples.h"

namespace tillwire {

class BareAppend {
 public:
  enum class File {
    kGrowing,    // each append makes the file longer, so that each sync writes the file system's journal too
    kPrewritten  // the bytes were written and synced before: a sync is the data alone
  };

  // Throws std::system_error. The file is removed with this.
  BareAppend(std::filesystem::path path, File file);
  ~BareAppend();
  BareAppend(const BareAppend&) = delete;
  BareAppend& operator=(const BareAppend&) = delete;

  // One append and its fdatasync.
  Samples::Duration Once();

 private:
  const std::filesystem::path path_;
  const File file_;
  int descriptor_ = -1;
  std::size_t written_ = 0;  // blocks, since the file's begin
};

}  // namespace tillwire
