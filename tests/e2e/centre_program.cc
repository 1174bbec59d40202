#include "tests/e2e/centre_program.h"

#include <sstream>
#include <stdexcept>

#include "tests/support/wait.h"

namespace tillwire {
namespace {

constexpr std::chrono::seconds kStartTimeout{30};
constexpr std::chrono::seconds kStopTimeout{10};

std::string MakeConfig(const CentreSettings& settings, const std::filesystem::path& ledger) {
  std::ostringstream config;
  config << "[listen]\n"
         << "address = \"" << settings.listen << "\"\n"
         << "insecure = true\n";
  if (!settings.tls_certificate.empty()) {
    config << "tls_address = \"" << settings.tls_listen << "\"\n"
           << "tls_certificate = \"" << settings.tls_certificate.string() << "\"\n"
           << "tls_key = \"" << settings.tls_key.string() << "\"\n";
  }
  config << "[ledger]\n"
         << "path = \"" << ledger.string() << "\"\n"
         << "[acceptance]\n"
         << "max_lines = " << settings.max_lines << "\n"
         << "allowed_stores = [";
  for (const std::string& store : settings.allowed_stores) {
    config << '"' << store << "\", ";
  }
  config << "]\n";
  const auto section = [&config](const char* name, const std::vector<std::string>& lines) {
    config << name << "\n";
    for (const std::string& line : lines) config << line << "\n";
  };
  std::vector<std::string> stream_lines = settings.stream_lines;
  stream_lines.push_back("max_batch_records = " + std::to_string(settings.max_batch_records));
  section("[stream]", stream_lines);
  section("[terminals]", settings.terminals_lines);
  config << "[metrics]\n"
         << "listen = \"" << settings.metrics_listen << "\"\n"
         << "[log]\n"
         << "format = \"" << settings.log_format << "\"\n";
  return config.str();
}

// The number after `key` in the line that says that the centre serves: "... port=40123
// tls_address=127.0.0.1:40124".
std::uint16_t PortInLog(const std::string& log, std::string_view key) {
  const std::size_t place = log.find(key);
  return place == std::string::npos || log.find('\n', place) == std::string::npos
             ? std::uint16_t{0}
             : static_cast<std::uint16_t>(std::stoi(log.substr(place + key.size())));
}

}  // namespace

CentreProgram::CentreProgram(CentreSettings settings) : settings_(std::move(settings)) {
  std::filesystem::create_directories(settings_.directory);
}

void CentreProgram::Launch() {
  WriteWholeFile(ConfigFile(), MakeConfig(settings_, LedgerFile()));
  ++starts_;
  ProcessOptions options;
  options.program = settings_.program;
  options.arguments = settings_.arguments;
  options.arguments.insert(options.arguments.end(), {"--config", ConfigFile().string()});
  options.environment = settings_.environment;
  options.launcher = settings_.launcher;
  options.errors = settings_.directory / ("centre-" + std::to_string(starts_) + ".log");
  process_.emplace(Process::StartTethered(options));
}

void CentreProgram::Start() {
  Launch();
  port_ = 0;
  WaitUntil(kStartTimeout, [this] {
    port_ = PortInLog(Log(), settings_.log_format == "json" ? "\"port\":\"" : " port=");
    return port_ != 0 || !process_->Running();
  });
  if (port_ == 0) {
    throw std::runtime_error("tillwire-ingestd did not come up; it logged:\n" + Log());
  }
}

std::optional<ExitStatus> CentreProgram::StartAndWait(std::chrono::milliseconds timeout) {
  Launch();
  return process_->Wait(timeout);
}

std::uint16_t CentreProgram::TlsPort() const {
  return settings_.tls_certificate.empty() ? std::uint16_t{0} : PortInLog(Log(), " tls_address=127.0.0.1:");
}

void CentreProgram::Kill() {
  process_->Kill();
}

ExitStatus CentreProgram::Stop() {
  const std::optional<ExitStatus> status = process_->Stop(kStopTimeout);
  if (!status) {
    throw std::runtime_error("tillwire-ingestd did not stop on SIGTERM; it logged:\n" + Log());
  }
  return *status;
}

std::string CentreProgram::Log() const {
  return ReadWholeFile(settings_.directory / ("centre-" + std::to_string(starts_) + ".log"));
}

std::vector<LedgerEntry> CentreProgram::Ledger() {
  Result<std::vector<LedgerEntry>> ledger = ReadLedger(Address());
  if (!ledger) {
    throw std::runtime_error("cannot read the ledger: " + ledger.error().Text() + "; the centre logged:\n" +
                             Log());
  }
  return std::move(*ledger);
}

CentreCounts CentreProgram::Counts() {
  const Result<CentreCounts> counts = ReadCentreCounts(Address());
  if (!counts) {
    throw std::runtime_error("cannot ask the centre: " + counts.error().Text() + "; it logged:\n" + Log());
  }
  return *counts;
}

}  // namespace tillwire
