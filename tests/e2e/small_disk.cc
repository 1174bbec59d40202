#include "tests/e2e/small_disk.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/support/process.h"

namespace tillwire {
namespace {

bool Works(const std::string& command) {
  return RunCommand("/bin/sh", {"-c", command}).status.Clean();
}

}  // namespace

std::unique_ptr<SmallDisk> SmallDisk::Mount(std::uint64_t mebibytes) {
  std::unique_ptr<SmallDisk> disk(new SmallDisk);
  std::filesystem::create_directory(disk->Path());
  if (geteuid() != 0) return nullptr;
  const std::string size = std::to_string(mebibytes) + "M";
  const std::string image = (disk->directory_.Path() / "image").string();
  const std::string path = disk->Path().string();
  // Without blocks that only root may take, so that free is what everybody finds free.
  if (Works("truncate -s " + size + " " + image + " && mkfs.ext4 -q -m 0 " + image + " && mount -o loop " +
            image + " " + path)) {
    disk->kind_ = "ext4";
  } else if (Works("mount -t tmpfs -o size=" + size + " tmpfs " + path)) {
    disk->kind_ = "tmpfs";
  } else {
    return nullptr;
  }
  return disk;
}

SmallDisk::~SmallDisk() {
  if (!kind_.empty()) umount2(Path().c_str(), MNT_DETACH);
}

void SmallDisk::LeaveFree(std::uint64_t bytes) {
  const std::string filler = (Path() / "filler").string();
  const int file = open(filler.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) throw std::runtime_error("can't open " + filler);
  const std::string zeros(64 << 10, '\0');
  for (std::size_t piece = zeros.size(); piece > 0;) {
    if (FreeBytes() <= bytes && bytes > 0) break;
    if (write(file, zeros.data(), piece) <= 0) piece /= 2;
  }
  fsync(file);
  close(file);
}

void SmallDisk::Clear() {
  std::filesystem::remove(Path() / "filler");
}

std::uint64_t SmallDisk::FreeBytes() const {
  struct statvfs found{};
  if (statvfs(Path().c_str(), &found) != 0) throw std::runtime_error("can't look at " + Path().string());
  return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
}

void SmallDisk::SetReadOnly(bool read_only) {
  if (Works(std::string("mount -o remount,") + (read_only ? "ro " : "rw ") + Path().string())) return;
  throw std::runtime_error("can't mount " + Path().string() + " anew");
}

}  // namespace tillwire
