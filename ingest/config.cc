#include "ingest/config.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "core/limits.h"
#include "core/text.h"
#include "platform/logging.h"
#include "platform/network_address.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kMaxBatchRecords = 8192;
constexpr std::uint64_t kMaxBatchBytes = 16ULL << 20;
constexpr std::uint64_t kMaxWindow = 64;
constexpr std::uint64_t kMaxConnections = 1'000'000;
constexpr std::chrono::milliseconds kLeastDigestInterval{200};
constexpr std::size_t kMaxProblemBytes = 400;  // of what a value is quoted in

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

Result<void> CheckTls(const ListenConfig& listen) {
  if (listen.tls_address.empty()) return {};
  if (!ParseNetworkAddress(listen.tls_address)) {
    return Invalid("listen.tls_address is \"" + listen.tls_address + "\"",
                   "give it as host:port, for example 0.0.0.0:7443 or [::]:7443");
  }
  if (listen.tls_certificate.empty() || listen.tls_key.empty()) {
    return Invalid("listen.tls_address is given without listen.tls_certificate and listen.tls_key",
                   "name both files (PEM)");
  }
  return {};
}

Result<void> CheckListen(const ListenConfig& listen) {
  if (auto tls = CheckTls(listen); !tls) return tls;
  if (listen.address.empty()) {
    if (!listen.tls_address.empty()) return {};
    return Invalid("listen.address and listen.tls_address are both empty", "give one of them");
  }
  const auto address = ParseNetworkAddress(listen.address);
  if (!address) {
    return Invalid("listen.address is \"" + listen.address + "\"",
                   "give it as host:port, for example 127.0.0.1:7400 or [::1]:7400");
  }
  if (!IsLoopback(address->host) && !listen.insecure) {
    return Invalid(
        "listen.address " + listen.address +
            " is reachable from other machines, and this service speaks plaintext",
        "use listen.tls_address for other machines; or set listen.insecure = true if the network is "
        "protected otherwise");
  }
  return {};
}

Result<void> CheckLedger(const LedgerConfig& ledger) {
  if (ledger.path.empty()) return Invalid("ledger.path is empty", "name the ledger's file");
  if (std::error_code failed; std::filesystem::is_directory(ledger.path, failed)) {
    return Invalid("ledger.path is \"" + ledger.path + "\", which is a folder",
                   "name a file in it, as " + ledger.path + "/ledger.db");
  }
  return {};
}

// What no single key can show.
std::vector<Error> Check(const IngestConfig& config, const std::string& path) {
  const std::vector<Result<void>> checks = {
      CheckListen(config.listen),      CheckLedger(config.ledger),        CheckMetricsConfig(config.metrics),
      CheckLogLevel(config.log_level), CheckLogFormat(config.log_format),
  };
  std::vector<Error> problems;
  for (const auto& check : checks) {
    if (check) continue;
    problems.push_back(check.error());
    problems.back().message = path + ": " + Excerpt(problems.back().message, kMaxProblemBytes);
  }
  return problems;
}

// "accepted" or "nothing".
void ReadBackedUp(ConfigFile& file, BackedUp& target) {
  const std::string key = "ledger.announce_backed_up";
  std::string word = "accepted";
  file.Read(key, word);
  if (word != "accepted" && word != "nothing") {
    return file.Refuse(key, key + " is \"" + word + "\"", "give \"accepted\" or \"nothing\"");
  }
  target = word == "accepted" ? BackedUp::kAccepted : BackedUp::kNothing;
}

// Reads a number into a field of 32 bits.
void ReadNumber(ConfigFile& file, const std::string& key, std::uint32_t& target, std::uint64_t max) {
  std::uint64_t value = target;
  file.Read(key, value, 1, max);
  target = static_cast<std::uint32_t>(value);
}

void ReadTerminals(ConfigFile& file, FlagLimits& terminals) {
  constexpr auto kShortest = std::chrono::milliseconds(100);
  constexpr auto kLongest = std::chrono::hours(365 * 24);
  file.Read("terminals.silent_after", terminals.silent_after, kShortest, kLongest);
  file.Read("terminals.backlog_after", terminals.backlog_after, kShortest, kLongest);
  file.Read("terminals.gap_after", terminals.gap_after, kShortest, kLongest);
  file.Read("terminals.duplicate_after", terminals.duplicate_after, kShortest, kLongest);
  file.Read("terminals.clock_skew", terminals.clock_skew, kShortest, kLongest);
  file.Read("terminals.keep_flags", terminals.keep_flags, kShortest, kLongest);
}

IngestConfig Read(ConfigFile& file) {
  IngestConfig config;
  file.Read("listen.address", config.listen.address);
  file.Read("listen.insecure", config.listen.insecure);
  file.Read("listen.tls_address", config.listen.tls_address);
  file.Read("listen.tls_certificate", config.listen.tls_certificate);
  file.Read("listen.tls_key", config.listen.tls_key);
  file.Read("listen.max_connections", config.listen.max_connections, 1, kMaxConnections);
  file.Read("ledger.path", config.ledger.path);
  ReadBackedUp(file, config.ledger.announce_backed_up);
  file.Read("acceptance.max_lines", config.acceptance.max_lines, 1, kMaxLines);
  file.Read("acceptance.allowed_stores", config.acceptance.allowed_stores);
  ReadNumber(file, "stream.max_batch_records", config.stream.max_batch_records, kMaxBatchRecords);
  std::uint64_t batch_bytes = config.stream.max_batch_bytes;
  file.ReadBytes("stream.max_batch_bytes", batch_bytes, kMaxEventBytes, kMaxBatchBytes);
  config.stream.max_batch_bytes = static_cast<std::uint32_t>(batch_bytes);
  ReadNumber(file, "stream.window_batches", config.stream.window_batches, kMaxWindow);
  file.Read("stream.digest_interval", config.stream.digest_interval, kLeastDigestInterval,
            std::chrono::hours(1));
  file.Read("stream.write_timeout", config.stream_bounds.write_timeout, std::chrono::seconds(1),
            std::chrono::hours(1));
  file.Read("stream.max_streams", config.stream_bounds.max_streams, 1, kMaxConnections);
  ReadTerminals(file, config.terminals);
  ReadMetricsConfig(file, config.metrics);
  file.Read("log.level", config.log_level);
  file.Read("log.format", config.log_format);
  return config;
}

}  // namespace

StreamLimits DefaultStreamLimits() {
  StreamLimits limits;
  limits.digest_interval = std::chrono::seconds(60);
  return limits;
}

Result<IngestConfig> LoadIngestConfig(const std::string& path) {
  auto file = ConfigFile::Open(path);
  if (!file) return file.error();
  IngestConfig config = Read(*file);
  if (auto finished = file->Finish(); !finished) return finished.error();
  if (auto problems = Check(config, path); !problems.empty()) return problems.front();
  return config;
}

ConfigReport InspectIngestConfig(const std::string& path) {
  ConfigReport report;
  auto file = ConfigFile::Open(path);
  if (!file) {
    report.problems.push_back(file.error());
    return report;
  }
  const IngestConfig config = Read(*file);
  report.settings = file->Settings();
  report.problems = file->Problems();
  if (report.problems.empty()) report.problems = Check(config, path);
  if (!report.problems.empty()) return report;
  const std::filesystem::path ledger = std::filesystem::absolute(config.ledger.path);
  if (auto warning = FolderWarning("ledger.path", ledger.parent_path().string())) {
    report.warnings.push_back(*warning);
  }
  return report;
}

}  // namespace tillwire
