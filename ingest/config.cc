#include "ingest/config.h"

#include "core/limits.h"
#include "platform/config_file.h"
#include "platform/logging.h"
#include "platform/network_address.h"

namespace tillwire {
namespace {

constexpr std::uint64_t kMaxBatchRecords = 8192;
constexpr std::uint64_t kMaxBatchBytes = 16ULL << 20;
constexpr std::uint64_t kMaxWindow = 64;

Error KeyError(const std::string& path, const std::string& message, const std::string& hint) {
  return {ErrorCode::kInvalidArgument, path + ": " + message, hint};
}

Result<void> CheckTls(const std::string& path, const ListenConfig& listen) {
  if (listen.tls_address.empty()) return {};
  if (!ParseNetworkAddress(listen.tls_address)) {
    return KeyError(path, "listen.tls_address is \"" + listen.tls_address + "\"",
                    "give it as host:port, for example 0.0.0.0:7443 or [::]:7443");
  }
  if (listen.tls_certificate.empty() || listen.tls_key.empty()) {
    return KeyError(path, "listen.tls_address is given without listen.tls_certificate and listen.tls_key",
                    "name both files (PEM)");
  }
  return {};
}

Result<void> CheckListen(const std::string& path, const ListenConfig& listen) {
  if (auto tls = CheckTls(path, listen); !tls) return tls;
  if (listen.address.empty()) {
    if (!listen.tls_address.empty()) return {};
    return KeyError(path, "listen.address and listen.tls_address are both empty", "give one of them");
  }
  const auto address = ParseNetworkAddress(listen.address);
  if (!address) {
    return KeyError(path, "listen.address is \"" + listen.address + "\"",
                    "give it as host:port, for example 127.0.0.1:7400 or [::1]:7400");
  }
  if (!IsLoopback(address->host) && !listen.insecure) {
    return KeyError(path,
                    "listen.address " + listen.address +
                        " is reachable from other machines, and this service speaks plaintext",
                    "use listen.tls_address for other machines; or set listen.insecure = true if the network "
                    "is protected "
                    "otherwise");
  }
  return {};
}

// Reads a number into a field of 32 bits.
void ReadNumber(ConfigFile& file, const std::string& key, std::uint32_t& target, std::uint64_t max) {
  std::uint64_t value = target;
  file.Read(key, value, 1, max);
  target = static_cast<std::uint32_t>(value);
}

}  // namespace

Result<IngestConfig> LoadIngestConfig(const std::string& path) {
  auto file = ConfigFile::Open(path);
  if (!file) return file.error();
  IngestConfig config;
  file->Read("listen.address", config.listen.address);
  file->Read("listen.insecure", config.listen.insecure);
  file->Read("listen.tls_address", config.listen.tls_address);
  file->Read("listen.tls_certificate", config.listen.tls_certificate);
  file->Read("listen.tls_key", config.listen.tls_key);
  file->Read("ledger.path", config.ledger.path);
  std::string announce = "accepted";
  file->Read("ledger.announce_backed_up", announce);
  file->Read("acceptance.max_lines", config.acceptance.max_lines, 1, kMaxLines);
  file->Read("acceptance.allowed_stores", config.acceptance.allowed_stores);
  ReadNumber(*file, "stream.max_batch_records", config.stream.max_batch_records, kMaxBatchRecords);
  std::uint64_t batch_bytes = config.stream.max_batch_bytes;
  file->ReadBytes("stream.max_batch_bytes", batch_bytes, kMaxEventBytes, kMaxBatchBytes);
  config.stream.max_batch_bytes = static_cast<std::uint32_t>(batch_bytes);
  ReadNumber(*file, "stream.window_batches", config.stream.window_batches, kMaxWindow);
  ReadMetricsConfig(*file, config.metrics);
  file->Read("log.level", config.log_level);
  file->Read("log.format", config.log_format);
  if (auto read = file->Finish(); !read) return read.error();

  if (auto listen = CheckListen(path, config.listen); !listen) return listen.error();
  if (config.ledger.path.empty()) return KeyError(path, "ledger.path is empty", "name the ledger's file");
  if (announce != "accepted" && announce != "nothing") {
    return KeyError(path, "ledger.announce_backed_up is \"" + announce + "\"",
                    "it is \"accepted\" or \"nothing\"");
  }
  config.ledger.announce_backed_up = announce == "accepted" ? BackedUp::kAccepted : BackedUp::kNothing;
  for (const auto& checked : {CheckMetricsConfig(config.metrics), CheckLogLevel(config.log_level),
                              CheckLogFormat(config.log_format)}) {
    if (!checked) return KeyError(path, checked.error().message, checked.error().hint);
  }
  return config;
}

}  // namespace tillwire
