// What fuzzing found once, and what it begins with, through the same targets: regressions/TARGET/ has an
// input for each finding, named for it, corpus/TARGET/ the seeds.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/targets.h"

namespace tillwire::fuzz {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> InputsOf(const Target& target) {
  std::vector<fs::path> inputs;
  for (const char* folder : {"corpus", "regressions"}) {
    const fs::path path = fs::path(TILLWIRE_FUZZ_INPUTS) / folder / target.name;
    if (!fs::exists(path)) continue;
    for (const auto& entry : fs::directory_iterator(path)) inputs.push_back(entry.path());
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("Each fuzz target holds on its kept inputs") {
  for (const Target& target : kTargets) {
    const auto inputs = InputsOf(target);
    CHECK_FALSE(inputs.empty());
    for (const fs::path& input : inputs) {
      INFO(target.name << " on " << input);
      CHECK_NOTHROW(target.run(ContentOf(input)));
    }
  }
}

TEST_CASE("Each fuzz target takes an empty input, and any one byte") {
  for (const Target& target : kTargets) {
    CHECK_NOTHROW(target.run(""));
    for (int byte = 0; byte < 256; ++byte) {
      INFO(target.name << " on the byte " << byte);
      CHECK_NOTHROW(target.run(std::string(1, static_cast<char>(byte))));
    }
  }
}

}  // namespace
}  // namespace tillwire::fuzz
