// The real tillwire-ingestd, in a directory of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/programs.h"
#include "tests/support/ledger_reader.h"
#include "tests/support/process.h"

namespace tillwire {

struct CentreSettings {
  explicit CentreSettings(std::filesystem::path in_directory) : directory(std::move(in_directory)) {}

  std::filesystem::path directory;     // for everything of this centre; created
  std::string listen = "127.0.0.1:0";  // port 0: one that the system chooses, another at each start
  std::uint64_t max_lines = 500;
  std::vector<std::string> allowed_stores;  // empty: all
  std::uint32_t max_batch_records = 512;
  std::string tls_listen = "127.0.0.1:0";  // likewise
  std::filesystem::path tls_certificate;   // with tls_key: listens with TLS too
  std::filesystem::path tls_key;
  std::string metrics_listen;  // "127.0.0.1:0" serves them, on a port that the system chooses
  std::string log_format = "text";
  std::filesystem::path program = kIngestdProgram;
  std::vector<std::string> arguments = {"serve"};  // beside --config
  std::vector<std::string> stream_lines;           // more lines for [stream] of the configuration
  std::vector<std::string> terminals_lines;        // and for [terminals]
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> launcher;  // as in ProcessOptions
};

// Throws std::runtime_error, with the program's log, where it does not do as it should. One thread at a time.
class CentreProgram {
 public:
  explicit CentreProgram(CentreSettings settings);

  // Returns when it serves.
  void Start();
  // Only starts it: it may end by itself. Returns how, or nothing if it is still running after `timeout`.
  std::optional<ExitStatus> StartAndWait(std::chrono::milliseconds timeout);
  // SIGKILL.
  void Kill();
  // SIGTERM; it must end within 10 s.
  ExitStatus Stop();

  // For the next start.
  CentreSettings& Settings() { return settings_; }
  [[nodiscard]] std::uint16_t Port() const { return port_; }
  // 0 without TLS.
  [[nodiscard]] std::uint16_t TlsPort() const;
  [[nodiscard]] std::string Address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::filesystem::path LedgerFile() const { return settings_.directory / "ledger.db"; }
  [[nodiscard]] std::filesystem::path ConfigFile() const {
    return settings_.directory / "tillwire-ingestd.toml";
  }
  [[nodiscard]] pid_t Pid() const { return process_->Pid(); }
  // What it logged since its last start.
  [[nodiscard]] std::string Log() const;

  std::vector<LedgerEntry> Ledger();
  CentreCounts Counts();

 private:
  void Launch();

  CentreSettings settings_;
  int starts_ = 0;
  std::uint16_t port_ = 0;
  std::optional<Process> process_;
};

}  // namespace tillwire
