#include "agent/config.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "core/limits.h"
#include "core/text.h"
#include "platform/logging.h"
#include "platform/network_address.h"

namespace tillwire {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kKiB = 1ULL << 10;
constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kTiB = 1ULL << 40;
constexpr hours kTenYears{24 * 3650};
// sun_path (unix(7)) has 108 bytes, the terminating zero included.
constexpr std::size_t kMaxSocketPathBytes = 107;
constexpr std::size_t kMaxProblemBytes = 400;  // of what a value is quoted in

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

Result<void> CheckId(const std::string& key, const std::string& id) {
  if (id.size() > kMaxIdBytes) {
    return Invalid(key + " has " + std::to_string(id.size()) + " bytes",
                   "give at most " + std::to_string(kMaxIdBytes));
  }
  const bool control =
      std::any_of(id.begin(), id.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (control || id.front() == ' ' || id.back() == ' ') {
    return Invalid(key + " begins or ends with a space, or has a control character", "remove it");
  }
  return {};
}

Result<void> CheckPath(const std::string& key, const std::string& path) {
  if (path.starts_with('/')) return {};
  return Invalid(key + " is \"" + path + "\"", "give an absolute path");
}

// Delivered events are kept for the centre's sake, and must not take the room that captures need.
Result<void> CheckRoom(const OutboxConfig& outbox) {
  if (outbox.delivered_max_bytes <= outbox.max_bytes / 2) return {};
  return Invalid("outbox.delivered_max_bytes (" + std::to_string(outbox.delivered_max_bytes) +
                     " bytes) is more than half of outbox.max_bytes (" + std::to_string(outbox.max_bytes) +
                     " bytes): delivered events could fill the outbox",
                 "lower outbox.delivered_max_bytes to at most " +
                     std::to_string(outbox.max_bytes / 2 / kMiB) + "MiB, or raise outbox.max_bytes");
}

Result<void> CheckServer(const UplinkConfig& uplink) {
  const auto server = ParseNetworkAddress(uplink.server);
  if (!server || server->port == 0) {
    return Invalid("uplink.server is \"" + uplink.server + "\"",
                   "give host:port, as \"ingest.example.com:7400\"");
  }
  if (!uplink.ca_file.empty()) {
    if (!uplink.tls)
      return Invalid("uplink.ca_file is given, but uplink.tls is not true", "set uplink.tls = true");
    if (auto checked = CheckPath("uplink.ca_file", uplink.ca_file); !checked) return checked;
  }
  if (!IsLoopback(server->host) && !uplink.tls && !uplink.insecure) {
    return Invalid(
        "uplink.server is \"" + uplink.server +
            "\", which is not this machine, and the connection is not encrypted",
        "set uplink.tls = true; or uplink.insecure = true if the network to it is protected otherwise");
  }
  if (uplink.backoff_cap < uplink.backoff_base) {
    return Invalid("uplink.backoff_cap is below uplink.backoff_base", "give at least that much");
  }
  return {};
}

Result<void> CheckSocket(const std::string& socket) {
  if (auto checked = CheckPath("capture.socket", socket); !checked) return checked;
  if (socket.size() <= kMaxSocketPathBytes) return {};
  return Invalid("capture.socket has " + std::to_string(socket.size()) + " bytes",
                 "the system allows " + std::to_string(kMaxSocketPathBytes) + "; choose a shorter path");
}

// What no single key can show.
std::vector<Error> Check(const AgentConfig& config, const std::string& path) {
  const std::vector<Result<void>> checks = {
      CheckId("terminal.store_id", config.store_id),
      CheckId("terminal.terminal_id", config.terminal_id),
      CheckPath("terminal.machine_id_file", config.machine_id_file),
      CheckPath("outbox.directory", config.outbox.directory),
      CheckRoom(config.outbox),
      CheckPath("spool.directory", config.spool.directory),
      CheckSocket(config.socket),
      CheckServer(config.uplink),
      CheckMetricsConfig(config.metrics),
      CheckLogLevel(config.log_level),
      CheckLogFormat(config.log_format),
  };
  std::vector<Error> problems;
  for (const auto& check : checks) {
    if (check) continue;
    problems.push_back(check.error());
    problems.back().message = path + ": " + Excerpt(problems.back().message, kMaxProblemBytes);
  }
  return problems;
}

void ReadOutbox(ConfigFile& file, OutboxConfig& outbox) {
  file.Read("outbox.directory", outbox.directory);
  file.ReadBytes("outbox.max_bytes", outbox.max_bytes, 2 * kMiB, kTiB);
  file.ReadBytes("outbox.reserve_bytes", outbox.reserve_bytes, kMiB, kGiB);
  file.Read("outbox.delivered_retention", outbox.delivered_retention, hours(1), kTenYears);
  file.ReadBytes("outbox.delivered_max_bytes", outbox.delivered_max_bytes, kMiB, kTiB);
  file.Read("outbox.idempotency_retention", outbox.idempotency_retention, hours(1), kTenYears);
}

void ReadUplink(ConfigFile& file, UplinkConfig& uplink) {
  file.Read("uplink.server", uplink.server);
  file.Read("uplink.tls", uplink.tls);
  file.Read("uplink.ca_file", uplink.ca_file);
  file.Read("uplink.insecure", uplink.insecure);
  file.Read("uplink.batch_records", uplink.batch_records, 1, 4096);
  file.ReadBytes("uplink.batch_bytes", uplink.batch_bytes, 64 * kKiB, 2 * kMiB);
  file.Read("uplink.window_batches", uplink.window_batches, 1, 64);
  file.Read("uplink.backoff_base", uplink.backoff_base, milliseconds(10), minutes(1));
  file.Read("uplink.backoff_cap", uplink.backoff_cap, milliseconds(10), hours(1));
  file.Read("uplink.keepalive_time", uplink.keepalive_time, milliseconds(100), hours(1));
  file.Read("uplink.keepalive_timeout", uplink.keepalive_timeout, milliseconds(100), minutes(5));
  file.Read("uplink.answer_timeout", uplink.answer_timeout, milliseconds(100), minutes(10));
}

std::string DefaultSpool(const AgentConfig& config) {
  return config.outbox.directory + "/spool";
}

AgentConfig Read(ConfigFile& file) {
  AgentConfig config;
  file.Require("terminal.store_id", config.store_id, "the store's number or GLN, as the centre knows it");
  file.Require("terminal.terminal_id", config.terminal_id, "this terminal's name, unique in its store");
  file.Read("terminal.machine_id_file", config.machine_id_file);
  ReadOutbox(file, config.outbox);
  config.spool.directory = DefaultSpool(config);
  file.Read("spool.directory", config.spool.directory);
  if (config.spool.directory.empty()) config.spool.directory = DefaultSpool(config);
  file.Read("capture.socket", config.socket);
  ReadUplink(file, config.uplink);
  ReadMetricsConfig(file, config.metrics);
  file.Read("log.level", config.log_level);
  file.Read("log.format", config.log_format);
  return config;
}

}  // namespace

Result<AgentConfig> LoadAgentConfig(const std::string& path) {
  auto file = ConfigFile::Open(path);
  if (!file) return file.error();
  AgentConfig config = Read(*file);
  if (auto finished = file->Finish(); !finished) return finished.error();
  if (auto problems = Check(config, path); !problems.empty()) return problems.front();
  return config;
}

ConfigReport InspectAgentConfig(const std::string& path) {
  ConfigReport report;
  auto file = ConfigFile::Open(path);
  if (!file) {
    report.problems.push_back(file.error());
    return report;
  }
  const AgentConfig config = Read(*file);
  report.settings = file->Settings();
  report.problems = file->Problems();
  if (report.problems.empty()) report.problems = Check(config, path);
  if (!report.problems.empty()) return report;
  const std::filesystem::path socket = config.socket;
  const auto warn = [&report](const std::optional<Error>& warning) {
    if (warning) report.warnings.push_back(*warning);
  };
  warn(FolderWarning("outbox.directory", config.outbox.directory));
  // The spool's usual place is the agent's to make.
  if (config.spool.directory != DefaultSpool(config)) {
    warn(FolderWarning("spool.directory", config.spool.directory));
  }
  warn(FolderWarning("capture.socket", socket.parent_path().string()));
  if (std::error_code failed; !std::filesystem::exists(config.machine_id_file, failed)) {
    report.warnings.push_back({ErrorCode::kNotFound,
                               "terminal.machine_id_file: " + config.machine_id_file + " does not exist",
                               "a copied outbox would be found at the centre only"});
  }
  return report;
}

}  // namespace tillwire
