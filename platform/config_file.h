// Reading a daemon's TOML file: every key is typed, bounded and known by name; anything else in the file is
// an error that says what would have been right.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace tillwire {

// A key with the value in effect, as the file would write it.
struct ConfigSetting {
  std::string key;
  std::string value;
  bool is_default = false;
};

// Everything there is to say of a file, for whoever checks it before the daemon reads it.
struct ConfigReport {
  std::vector<ConfigSetting> settings;
  std::vector<Error> problems;  // the daemon would not start
  std::vector<Error> warnings;  // what the file alone does not show: a folder that is missing
};

// What stands in the way of keeping files in a folder: it is missing, or this user may not write there.
// Nothing if all is well. `key` is what names the folder in the file.
std::optional<Error> FolderWarning(const std::string& key, const std::string& folder);

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

  // A problem that the reader of a key found in its value.
  void Refuse(const std::string& key, const std::string& what, const std::string& hint);

  // A key that nobody asked for, else the first problem ("unknown key uplink.sever; did you mean
  // uplink.server?").
  [[nodiscard]] Result<void> Finish() const;

  // What was read so far, in the order of reading; a value that is at fault is left out.
  [[nodiscard]] const std::vector<ConfigSetting>& Settings() const;
  // All that Finish() could say, not only the first.
  [[nodiscard]] std::vector<Error> Problems() const;

 private:
  struct State;
  explicit ConfigFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tillwire
