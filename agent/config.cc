#include "agent/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/limits.h"
#include "platform/config_file.h"

namespace tillwire {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kKiB = 1ULL << 10;
constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kTiB = 1ULL << 40;
constexpr hours kTenYears{24 * 3650};
// sun_path (unix(7)) has 108 bytes, the terminating zero included.
constexpr std::size_t kMaxSocketPathBytes = 107;
constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warn", "error"};

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

struct HostAndPort {
  std::string_view host;
  std::uint16_t port = 0;
};

// "host:port"; an IPv6 address stands in brackets.
std::optional<HostAndPort> ParseServer(std::string_view server) {
  const auto colon = server.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  HostAndPort parsed;
  parsed.host = server.substr(0, colon);
  const std::string_view port = server.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
  if (error != std::errc() || end != port.data() + port.size() || parsed.port == 0) return std::nullopt;
  if (parsed.host.starts_with('[') && parsed.host.ends_with(']')) {
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  } else if (parsed.host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  const bool has_space = parsed.host.find_first_of(" \t/") != std::string_view::npos;
  return parsed.host.empty() || has_space ? std::nullopt : std::optional(parsed);
}

// By its name alone: what a name resolves to may change after the check.
bool IsLoopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return host.starts_with("127.") && std::all_of(host.begin(), host.end(), [](char letter) {
           return letter == '.' || (letter >= '0' && letter <= '9');
         });
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

Result<void> CheckServer(const UplinkConfig& uplink) {
  const auto server = ParseServer(uplink.server);
  if (!server) {
    return Invalid("uplink.server is \"" + uplink.server + "\"",
                   "give host:port, as \"ingest.example.com:7400\"");
  }
  if (!IsLoopback(server->host) && !uplink.insecure) {
    return Invalid(
        "uplink.server is \"" + uplink.server +
            "\", which is not this machine, and the connection is not encrypted",
        "set uplink.insecure = true if the network to it is trusted (TLS comes with a later release), or "
        "go through a tunnel on 127.0.0.1");
  }
  if (uplink.backoff_cap < uplink.backoff_base) {
    return Invalid("uplink.backoff_cap is below uplink.backoff_base", "give at least that much");
  }
  return {};
}

// What no single key can show.
Result<void> Check(const AgentConfig& config) {
  if (auto checked = CheckId("terminal.store_id", config.store_id); !checked) return checked;
  if (auto checked = CheckId("terminal.terminal_id", config.terminal_id); !checked) return checked;
  if (auto checked = CheckPath("terminal.machine_id_file", config.machine_id_file); !checked) return checked;
  if (auto checked = CheckPath("outbox.directory", config.outbox.directory); !checked) return checked;
  if (auto checked = CheckPath("capture.socket", config.socket); !checked) return checked;
  if (config.socket.size() > kMaxSocketPathBytes) {
    return Invalid("capture.socket has " + std::to_string(config.socket.size()) + " bytes",
                   "the system allows " + std::to_string(kMaxSocketPathBytes) + "; choose a shorter path");
  }
  if (auto checked = CheckServer(config.uplink); !checked) return checked;
  if (std::find(kLogLevels.begin(), kLogLevels.end(), config.log_level) == kLogLevels.end()) {
    return Invalid("log.level is \"" + config.log_level + "\"", "give debug, info, warn or error");
  }
  return {};
}

void ReadOutbox(ConfigFile& file, OutboxConfig& outbox) {
  file.Read("outbox.directory", outbox.directory);
  file.ReadBytes("outbox.max_bytes", outbox.max_bytes, kMiB, kTiB);
  file.Read("outbox.delivered_retention", outbox.delivered_retention, hours(1), kTenYears);
  file.ReadBytes("outbox.delivered_max_bytes", outbox.delivered_max_bytes, kMiB, kTiB);
  file.Read("outbox.idempotency_retention", outbox.idempotency_retention, hours(1), kTenYears);
}

void ReadUplink(ConfigFile& file, UplinkConfig& uplink) {
  file.Read("uplink.server", uplink.server);
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

}  // namespace

Result<AgentConfig> LoadAgentConfig(const std::string& path) {
  auto file = ConfigFile::Open(path);
  if (!file) return file.error();
  AgentConfig config;
  file->Require("terminal.store_id", config.store_id, "the store's number or GLN, as the centre knows it");
  file->Require("terminal.terminal_id", config.terminal_id, "this terminal's name, unique in its store");
  file->Read("terminal.machine_id_file", config.machine_id_file);
  ReadOutbox(*file, config.outbox);
  file->Read("capture.socket", config.socket);
  ReadUplink(*file, config.uplink);
  file->Read("log.level", config.log_level);
  if (auto finished = file->Finish(); !finished) return finished.error();
  if (auto checked = Check(config); !checked) {
    Error error = checked.error();
    error.message = path + ": " + error.message;
    return error;
  }
  return config;
}

}  // namespace tillwire
