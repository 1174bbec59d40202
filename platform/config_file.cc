#include "platform/config_file.h"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "core/nearest_name.h"
#include "core/text.h"
#include "platform/files.h"

namespace tillwire {
namespace {

// The commented samples have some kilobytes.
constexpr std::size_t kMaxFileBytes = 64 * 1024;
constexpr std::size_t kMaxProblemBytes = 400;
constexpr int kMaxDots = 64;  // of a name

struct Unit {
  const char* name;
  std::uint64_t factor;
};
// Ascending, so that the last one that divides a value is the one to print it in.
constexpr std::array<Unit, 5> kDurationUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 4> kSizeUnits = {
    {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}}};

// Shown to whoever wrote something else, where the bounds allow them.
constexpr std::uint64_t kUsualMillis = 30'000;
constexpr std::uint64_t kUsualBytes = 256ULL << 10;

// "30s" in the smallest unit; nothing if it is no whole number with one of the units, or too big for 64 bits.
template <std::size_t N>
std::optional<std::uint64_t> ParseWithUnit(std::string_view text, const std::array<Unit, N>& units) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& unit : units) {
    if (suffix != unit.name) continue;
    if (number > UINT64_MAX / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string PrintWithUnit(std::uint64_t value, const std::array<Unit, N>& units) {
  const Unit* best = &units[0];
  for (const auto& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + best->name;
}

// As TOML writes a text on one line.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      quoted += '\\';
      quoted += letter;
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04X", static_cast<unsigned>(byte));
      quoted += escaped.data();
    } else {
      quoted += letter;
    }
  }
  return quoted + "\"";
}

std::string QuotedList(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : ", ") + Quoted(text);
  return "[" + list + "]";
}

std::string Print(const toml::node& node) {
  if (const auto* text = node.as_string()) return "\"" + Excerpt(text->get()) + "\"";
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  return "of another type";
}

// The line with a name of more parts than any key has. Each part is a table within the one before, and what
// walks tables does so recursively.
std::optional<std::size_t> LineThatNestsTooDeep(std::string_view text) {
  std::size_t line = 1;
  int dots = 0;
  for (const char letter : text) {
    if (letter == '.') ++dots;
    if (dots > kMaxDots) return line;
    if (letter == '\n') ++line;
    if (std::string_view("=,{}[]\n").find(letter) != std::string_view::npos) dots = 0;
  }
  return std::nullopt;
}

Error CannotRead(const std::string& path, int error_number) {
  Error error = FileError("read", path, error_number);
  if (error_number == ENOENT || error_number == EISDIR) error.hint = "name the file with --config FILE";
  return error;
}

}  // namespace

struct ConfigFile::State {
  std::string path;
  toml::table table;
  std::vector<std::string> known;
  std::vector<Error> problems;
  std::vector<ConfigSetting> settings;

  void Fail(const toml::source_region* where, const std::string& what, const std::string& hint) {
    const std::string line = where != nullptr ? ":" + std::to_string(where->begin.line) : "";
    problems.push_back(
        {ErrorCode::kInvalidArgument, path + line + ": " + Excerpt(what, kMaxProblemBytes), hint});
  }

  // The key's value, which is then a known key; null where absent.
  const toml::node* Find(const std::string& key) {
    known.push_back(key);
    return table.at_path(key).node();
  }

  // Notes the value in effect. `node` is null where the file leaves the key out.
  void Note(const std::string& key, const toml::node* node, std::string value) {
    settings.push_back({key, std::move(value), node == nullptr});
  }

  void WrongValue(const toml::node& node, const std::string& key, const std::string& right) {
    Fail(&node.source(), key + " is " + Print(node), "give " + right);
  }

  // Reads "30s" or "2GiB" within bounds; else what it is `otherwise`. A value in question is told one that
  // would do: `usual`, or the bound that is nearest to it.
  template <std::size_t N>
  std::uint64_t ReadWithUnit(const std::string& key, std::uint64_t otherwise,
                             const std::array<Unit, N>& units, std::uint64_t usual, std::uint64_t min,
                             std::uint64_t max) {
    const auto* node = Find(key);
    auto value = std::optional(otherwise);
    if (node != nullptr) {
      const auto* text = node->as_string();
      value = text != nullptr ? ParseWithUnit(text->get(), units) : std::nullopt;
      if (!value || *value < min || *value > max) {
        WrongValue(*node, key,
                   "a text with its unit, as " + Quoted(PrintWithUnit(std::clamp(usual, min, max), units)) +
                       ", from " + PrintWithUnit(min, units) + " to " + PrintWithUnit(max, units));
        return otherwise;
      }
    }
    Note(key, node, Quoted(PrintWithUnit(*value, units)));
    return *value;
  }

  // The keys in a table, at any depth, that nobody asked for.
  void FindUnknown(const toml::table& in, const std::string& prefix, std::vector<Error>& unknown) const {
    for (const auto& [name, node] : in) {
      const std::string key = prefix + std::string(name.str());
      if (const auto* inner = node.as_table(); inner != nullptr && !inner->empty()) {
        FindUnknown(*inner, key + ".", unknown);
        continue;
      }
      const bool asked_for = std::find(known.begin(), known.end(), key) != known.end();
      // An empty table is harmless where some of its keys are known.
      const bool known_table =
          node.is_table() && std::any_of(known.begin(), known.end(),
                                         [&](const auto& other) { return other.starts_with(key + "."); });
      if (asked_for || known_table) continue;
      const std::string nearest = NearestName(key, known);
      const std::string line = ":" + std::to_string(node.source().begin.line);
      unknown.push_back({ErrorCode::kInvalidArgument, path + line + ": unknown key " + Excerpt(key),
                         nearest.empty() ? "remove it" : "did you mean " + nearest + "?"});
    }
  }
};

ConfigFile::ConfigFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ConfigFile::~ConfigFile() = default;
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;

Result<ConfigFile> ConfigFile::Open(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return CannotRead(path, EISDIR);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) return CannotRead(path, errno == 0 ? EIO : errno);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) {
    return Error{
        ErrorCode::kInvalidArgument,
        path + " has more than " + std::to_string(kMaxFileBytes) + " bytes, which no configuration has",
        "name the file with --config FILE"};
  }

  if (const auto line = LineThatNestsTooDeep(text)) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ":" + std::to_string(*line) + ": a name has too many parts",
                 "correct the line; a key has two, as uplink.server"};
  }
  auto state = std::make_unique<State>();
  state->path = path;
  try {
    state->table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Error{ErrorCode::kInvalidArgument,
                 path + ":" + std::to_string(error.source().begin.line) + ": " +
                     Excerpt(error.description(), kMaxProblemBytes),
                 "correct the line; the file is TOML"};
  }
  return ConfigFile(std::move(state));
}

void ConfigFile::Read(const std::string& key, std::string& target) {
  const auto* node = state_->Find(key);
  if (node != nullptr) {
    const auto* text = node->as_string();
    if (text == nullptr) return state_->WrongValue(*node, key, "a text in quotes");
    target = text->get();
  }
  state_->Note(key, node, Quoted(target));
}

void ConfigFile::Read(const std::string& key, bool& target) {
  const auto* node = state_->Find(key);
  if (node != nullptr) {
    const auto* flag = node->as_boolean();
    if (flag == nullptr) return state_->WrongValue(*node, key, "true or false");
    target = flag->get();
  }
  state_->Note(key, node, target ? "true" : "false");
}

void ConfigFile::Read(const std::string& key, std::vector<std::string>& target) {
  const auto* node = state_->Find(key);
  if (node == nullptr) return state_->Note(key, node, QuotedList(target));
  const auto* array = node->as_array();
  if (array == nullptr) return state_->WrongValue(*node, key, "a list of texts, as [\"a\", \"b\"]");
  std::vector<std::string> values;
  for (const auto& element : *array) {
    const auto* text = element.as_string();
    if (text == nullptr) {
      return state_->WrongValue(element, key + "[" + std::to_string(values.size()) + "]", "a text in quotes");
    }
    values.push_back(text->get());
  }
  target = std::move(values);
  state_->Note(key, node, QuotedList(target));
}

void ConfigFile::Read(const std::string& key, std::uint64_t& target, std::uint64_t min, std::uint64_t max) {
  const auto* node = state_->Find(key);
  if (node == nullptr) return state_->Note(key, node, std::to_string(target));
  const auto* number = node->as_integer();
  if (number == nullptr || number->get() < 0 || static_cast<std::uint64_t>(number->get()) < min ||
      static_cast<std::uint64_t>(number->get()) > max) {
    return state_->WrongValue(*node, key,
                              "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  target = static_cast<std::uint64_t>(number->get());
  state_->Note(key, node, std::to_string(target));
}

void ConfigFile::Read(const std::string& key, std::chrono::milliseconds& target,
                      std::chrono::milliseconds min, std::chrono::milliseconds max) {
  target = std::chrono::milliseconds(
      state_->ReadWithUnit(key, static_cast<std::uint64_t>(target.count()), kDurationUnits, kUsualMillis,
                           static_cast<std::uint64_t>(min.count()), static_cast<std::uint64_t>(max.count())));
}

void ConfigFile::ReadBytes(const std::string& key, std::uint64_t& target, std::uint64_t min,
                           std::uint64_t max) {
  target = state_->ReadWithUnit(key, target, kSizeUnits, kUsualBytes, min, max);
}

void ConfigFile::Require(const std::string& key, std::string& target, const std::string& meaning) {
  const auto* node = state_->Find(key);
  if (node == nullptr) return state_->Fail(nullptr, key + " is missing", "give " + meaning);
  const auto* text = node->as_string();
  if (text == nullptr || text->get().empty()) return state_->WrongValue(*node, key, meaning + ", in quotes");
  target = text->get();
  state_->Note(key, node, Quoted(target));
}

void ConfigFile::Refuse(const std::string& key, const std::string& what, const std::string& hint) {
  const auto* node = state_->table.at_path(key).node();
  state_->Fail(node == nullptr ? nullptr : &node->source(), what, hint);
}

Result<void> ConfigFile::Finish() const {
  if (auto problems = Problems(); !problems.empty()) return problems.front();
  return {};
}

const std::vector<ConfigSetting>& ConfigFile::Settings() const {
  return state_->settings;
}

std::vector<Error> ConfigFile::Problems() const {
  // Unknown keys come first, since a mistyped key is also why another one is missing.
  std::vector<Error> problems;
  state_->FindUnknown(state_->table, "", problems);
  problems.insert(problems.end(), state_->problems.begin(), state_->problems.end());
  return problems;
}

std::optional<Error> FolderWarning(const std::string& key, const std::string& folder) {
  std::error_code failed;
  if (!std::filesystem::exists(folder, failed)) {
    return Error{ErrorCode::kNotFound, key + ": " + folder + " does not exist",
                 "it is created at start, where the daemon's user may do that"};
  }
  if (!std::filesystem::is_directory(folder, failed)) {
    return Error{ErrorCode::kFailedPrecondition, key + ": " + folder + " is no folder", "name another"};
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return Error{ErrorCode::kFailedPrecondition, key + ": this user may not write to " + folder,
                 "fine if the daemon runs as another user who may"};
  }
  return std::nullopt;
}

}  // namespace tillwire
