#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "agent/config.h"
#include "ingest/config.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/targets.h"
#include "tests/support/temp_directory.h"

namespace tillwire::fuzz {
namespace {

void Write(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// Both looks at a file say the same, and what `config check` prints is a file with the same settings.
void Check(const std::string& path, const Result<void>& loaded,
           const std::function<ConfigReport(const std::string&)>& inspect) {
  const ConfigReport report = inspect(path);
  Expect(loaded.ok() == report.problems.empty(), "a file is refused exactly where there is a problem");
  for (const Error& problem : report.problems) ExpectRefusal(problem);
  if (!loaded) {
    Expect(report.problems.front().Text() == loaded.error().Text(),
           "the first problem is the one that counts");
    return;
  }
  std::string text;
  for (const auto& [key, value, is_default] : report.settings) text += key + " = " + value + "\n";
  Write(path, text);
  const ConfigReport again = inspect(path);
  Expect(again.problems.empty(), "the settings, written as a file, are good: " +
                                     (again.problems.empty() ? "" : again.problems.front().Text()) + "\n" +
                                     text);
  Expect(again.settings.size() == report.settings.size(), "they are as many");
  for (std::size_t i = 0; i < again.settings.size(); ++i) {
    Expect(again.settings[i].value == report.settings[i].value,
           "they are the same: " + again.settings[i].value);
  }
}

template <typename Config>
Result<void> Outcome(const Result<Config>& loaded) {
  if (!loaded) return loaded.error();
  return {};
}

}  // namespace

void FuzzConfiguration(std::string_view input) {
  static const TempDirectory directory;
  const std::string path = (directory.Path() / "config.toml").string();
  Write(path, input);
  Check(path, Outcome(LoadAgentConfig(path)), InspectAgentConfig);
  Write(path, input);
  Check(path, Outcome(LoadIngestConfig(path)), InspectIngestConfig);
}

}  // namespace tillwire::fuzz
