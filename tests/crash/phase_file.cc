#include "tests/crash/phase_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace tillwire {
namespace {

std::uint32_t NumberOf(std::optional<std::size_t> phase) {
  return phase ? static_cast<std::uint32_t>(*phase) + 1 : 0;
}

}  // namespace

PhaseFile::PhaseFile(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (descriptor >= 0 && ftruncate(descriptor, sizeof(Board)) == 0) {
    memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
  const int error_number = errno;
  if (descriptor >= 0) {
    close(descriptor);
  }
  if (memory == MAP_FAILED) {
    throw std::system_error(error_number, std::generic_category(), "cannot map " + path.string());
  }
  board_ = static_cast<Board*>(memory);  // a new file is zeros, which is what a fresh Board is
}

PhaseFile::~PhaseFile() {
  munmap(board_, sizeof(Board));
}

void PhaseFile::Enter(std::size_t phase) {
  const std::uint32_t number = NumberOf(phase);
  ++board_->entries[number - 1];
  const bool lingers = board_->linger_in == number;
  if (lingers) {
    board_->lingering = true;
  }
  if (lingers || !board_->lingering) {
    board_->last = number;
  }
  if (lingers) {
    std::this_thread::sleep_for(kLinger);
    board_->lingering = false;
  }
}

void PhaseFile::Reset(std::optional<std::size_t> linger_in) {
  board_->last = 0;
  board_->lingering = false;
  board_->linger_in = NumberOf(linger_in);
  for (auto& count : board_->entries) {
    count = 0;
  }
}

std::optional<std::size_t> PhaseFile::Last() const {
  const std::uint32_t number = board_->last;
  return number == 0 ? std::nullopt : std::optional(std::size_t{number} - 1);
}

std::uint64_t PhaseFile::Entries(std::size_t phase) const {
  return board_->entries[NumberOf(phase) - 1];
}

}  // namespace tillwire
