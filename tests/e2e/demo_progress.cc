#include "tests/e2e/demo_progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tillwire {
namespace {

constexpr std::size_t kBarWidth = 16;

}  // namespace

DemoProgress::DemoProgress()
    : terminal_(isatty(STDOUT_FILENO) == 1), begin_(std::chrono::steady_clock::now()) {}

void DemoProgress::Show(const Numbers& numbers) {
  if (!terminal_) {
    return;
  }
  const std::size_t done =
      numbers.planned == 0 ? 0 : std::min(kBarWidth, kBarWidth * numbers.acknowledged / numbers.planned);
  const std::string bar = std::string(done, '#') + std::string(kBarWidth - done, '.');
  // At most 80 columns, so that it stays one line.
  std::printf(
      "\r\033[K  [%s] %llu/%llu taken, %llu arrived, %llu waiting, %llu duplicates", bar.c_str(),
      static_cast<unsigned long long>(numbers.acknowledged), static_cast<unsigned long long>(numbers.planned),
      static_cast<unsigned long long>(numbers.at_centre), static_cast<unsigned long long>(numbers.pending),
      static_cast<unsigned long long>(numbers.duplicates));
  std::fflush(stdout);
}

void DemoProgress::Say(const std::string& text) {
  Clear();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
  std::printf("%6.1f s  %s\n", elapsed.count(), text.c_str());
  std::fflush(stdout);
}

void DemoProgress::Clear() {
  if (terminal_) {
    std::printf("\r\033[K");
  }
}

}  // namespace tillwire
