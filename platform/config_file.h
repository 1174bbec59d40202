// Reading a daemon's TOML file: every key is typed, bounded and known by name; anything else in the file is
// an error that says what would have been right.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"

namespace tillwire {

// Usage: open, call one reader for each key, then Finish(). A reader leaves its target unchanged if the key
// is absent, so the target's initial value is the default. The first problem is kept and returned by
// Finish().
class ConfigFile {
 public:
  static Result<ConfigFile> Open(const std::string& path);
  ~ConfigFile();
  ConfigFile(ConfigFile&&) noexcept;
  ConfigFile& operator=(ConfigFile&&) noexcept;

  // `key` is dotted: "uplink.server".
  void Read(const std::string& key, std::string& target);
  void Read(const std::string& key, bool& target);
  void Read(const std::string& key, std::vector<std::string>& target);
  // An integer from min to max.
  void Read(const std::string& key, std::uint64_t& target, std::uint64_t min, std::uint64_t max);
  // A duration with its unit, as "500ms", "30s", "5m", "12h", "30d", from min to max.
  void Read(const std::string& key, std::chrono::milliseconds& target, std::chrono::milliseconds min,
            std::chrono::milliseconds max);
  // A size with its unit, as "256KiB", "2GiB".
  void ReadBytes(const std::string& key, std::uint64_t& target, std::uint64_t min, std::uint64_t max);
  // The key must be there and not empty.
  void Require(const std::string& key, std::string& target, const std::string& meaning);

  // A key that nobody asked for, else the first problem ("unknown key uplink.sever; did you mean
  // uplink.server?").
  [[nodiscard]] Result<void> Finish() const;

 private:
  struct State;
  explicit ConfigFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tillwire
