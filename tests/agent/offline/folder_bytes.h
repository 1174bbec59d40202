// What lies in a folder, byte for byte.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tests/support/process.h"

namespace tillwire {

// The owner lock apart: it names who reads.
inline std::map<std::string, std::string> FolderBytes(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".lock") continue;
    files[entry.path().filename().string()] = ReadWholeFile(entry.path());
  }
  return files;
}

}  // namespace tillwire
