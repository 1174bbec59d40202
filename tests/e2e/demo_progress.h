// What the demo shows while it runs: a line that moves on a terminal, and a line for each thing that happens.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tillwire {

class DemoProgress {
 public:
  struct Numbers {
    std::uint64_t acknowledged = 0;
    std::uint64_t planned = 0;
    std::uint64_t at_centre = 0;
    std::uint64_t pending = 0;
    std::uint64_t duplicates = 0;
  };

  DemoProgress();

  // Redraws the moving line, on a terminal only.
  void Show(const Numbers& numbers);
  // Something happened.
  void Say(const std::string& text);
  // Takes the moving line away.
  void Clear();

 private:
  const bool terminal_;
  const std::chrono::steady_clock::time_point begin_;
};

}  // namespace tillwire
