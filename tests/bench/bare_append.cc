#include "tests/bench/bare_append.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace tillwire {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kPrewrittenBlocks = 1024;  // then from the begin again, as SQLite's log does

void Require(bool done, const std::string& what, const std::filesystem::path& path) {
  if (!done) throw std::system_error(errno, std::generic_category(), what + " " + path.string());
}

}  // namespace

BareAppend::BareAppend(std::filesystem::path path, File file) : path_(std::move(path)), file_(file) {
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  Require(descriptor_ >= 0, "cannot create", path_);
  if (file_ != File::kPrewritten) return;
  const std::string zeros(kBlockBytes * kPrewrittenBlocks, '\0');
  Require(write(descriptor_, zeros.data(), zeros.size()) == static_cast<ssize_t>(zeros.size()),
          "cannot write", path_);
  Require(fsync(descriptor_) == 0, "cannot sync", path_);
}

BareAppend::~BareAppend() {
  close(descriptor_);
  unlink(path_.c_str());
}

Samples::Duration BareAppend::Once() {
  const std::string block(kBlockBytes, static_cast<char>('a' + written_ % 26));
  const std::size_t place = file_ == File::kPrewritten ? written_ % kPrewrittenBlocks : written_;
  const Samples::Duration took = TimeOf([&] {
    const auto offset = static_cast<off_t>(place * kBlockBytes);
    Require(pwrite(descriptor_, block.data(), block.size(), offset) == static_cast<ssize_t>(block.size()),
            "cannot write", path_);
    Require(fdatasync(descriptor_) == 0, "cannot sync", path_);
  });
  ++written_;
  return took;
}

}  // namespace tillwire
