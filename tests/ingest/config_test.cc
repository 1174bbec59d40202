#include "ingest/config.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

Result<IngestConfig> Load(const std::string& text) {
  const TempDirectory directory;
  const auto path = directory.Path() / "ingest.toml";
  std::ofstream(path) << text;
  return LoadIngestConfig(path.string());
}

TEST_CASE("An empty file gives the defaults") {
  const auto config = Load("");
  REQUIRE(config);
  CHECK(config->listen.address == "127.0.0.1:7400");
  CHECK_FALSE(config->listen.insecure);
  CHECK(config->ledger.path == "/var/lib/tillwire-ingest/ledger.db");
  CHECK(config->ledger.announce_backed_up == BackedUp::kAccepted);
  CHECK(config->acceptance.max_lines == 500);
  CHECK(config->acceptance.allowed_stores.empty());
  CHECK(config->stream.max_batch_records == 512);
  CHECK(config->stream.max_batch_bytes == 256 * 1024);
  CHECK(config->stream.window_batches == 4);
  CHECK(config->stream.digest_interval == std::chrono::seconds(60));
  CHECK(config->terminals.silent_after == std::chrono::hours(24));
  CHECK(config->log_level == "info");
  CHECK(config->log_format == "text");
  CHECK(config->metrics.listen == "127.0.0.1:7412");
}

TEST_CASE("What counts as wrong with a terminal can be set") {
  const auto config = Load("[terminals]\nsilent_after = '2h'\ngap_after = '30s'\nkeep_flags = '30d'\n");
  REQUIRE(config);
  CHECK(config->terminals.silent_after == std::chrono::hours(2));
  CHECK(config->terminals.gap_after == std::chrono::seconds(30));
  CHECK(config->terminals.keep_flags == std::chrono::hours(30 * 24));
  CHECK_THAT(Load("terminals.silent_after = '0s'").error().Text(), Catch::Contains("terminals.silent_after"));
  CHECK_THAT(Load("stream.digest_interval = '1ms'").error().Text(),
             Catch::Contains("stream.digest_interval"));
}

TEST_CASE("Metrics and logs are checked") {
  CHECK(Load("metrics.listen = ''")->metrics.listen.empty());
  CHECK(Load("metrics.listen = '0.0.0.0:9'\nmetrics.insecure = true")->metrics.listen == "0.0.0.0:9");
  CHECK_THAT(Load("metrics.listen = '0.0.0.0:9'").error().Text(),
             Catch::Contains("metrics.listen 0.0.0.0:9 is reachable from other machines"));
  CHECK_THAT(Load("log.format = 'xml'").error().Text(), Catch::Contains("give text or json"));
}

TEST_CASE("The sample shows the defaults") {
  const auto sample = LoadIngestConfig(TILLWIRE_SAMPLE);
  REQUIRE(sample);
  const auto defaults = Load("");
  CHECK(sample->listen.address == defaults->listen.address);
  CHECK(sample->listen.insecure == defaults->listen.insecure);
  CHECK(sample->listen.tls_address == defaults->listen.tls_address);
  CHECK(sample->listen.tls_certificate == defaults->listen.tls_certificate);
  CHECK(sample->listen.tls_key == defaults->listen.tls_key);
  CHECK(sample->ledger.path == defaults->ledger.path);
  CHECK(sample->ledger.announce_backed_up == defaults->ledger.announce_backed_up);
  CHECK(sample->acceptance.max_lines == defaults->acceptance.max_lines);
  CHECK(sample->acceptance.allowed_stores == defaults->acceptance.allowed_stores);
  CHECK(sample->stream.max_batch_records == defaults->stream.max_batch_records);
  CHECK(sample->stream.max_batch_bytes == defaults->stream.max_batch_bytes);
  CHECK(sample->stream.window_batches == defaults->stream.window_batches);
  CHECK(sample->stream.digest_interval == defaults->stream.digest_interval);
  CHECK(sample->terminals == defaults->terminals);
  CHECK(sample->log_level == defaults->log_level);
  CHECK(sample->log_format == defaults->log_format);
  CHECK(sample->metrics.listen == defaults->metrics.listen);
  CHECK(sample->metrics.insecure == defaults->metrics.insecure);
}

TEST_CASE("Every key is read") {
  const auto config = Load(R"(
[listen]
address = "[::1]:0"
tls_address = "0.0.0.0:7443"
tls_certificate = "/s.crt"
tls_key = "/s.key"
[ledger]
path = "/tmp/l.db"
announce_backed_up = "nothing"
[acceptance]
max_lines = 10
allowed_stores = ["S01", "S02"]
[stream]
max_batch_records = 64
max_batch_bytes = "1MiB"
window_batches = 2
[log]
level = "debug"
)");
  REQUIRE(config);
  CHECK(config->listen.address == "[::1]:0");
  CHECK(config->listen.tls_address == "0.0.0.0:7443");
  CHECK(config->listen.tls_certificate == "/s.crt");
  CHECK(config->listen.tls_key == "/s.key");
  CHECK(config->ledger.path == "/tmp/l.db");
  CHECK(config->ledger.announce_backed_up == BackedUp::kNothing);
  CHECK(config->acceptance.max_lines == 10);
  CHECK(config->acceptance.allowed_stores == std::vector<std::string>{"S01", "S02"});
  CHECK(config->stream.max_batch_records == 64);
  CHECK(config->stream.max_batch_bytes == 1024 * 1024);
  CHECK(config->stream.window_batches == 2);
  CHECK(config->log_level == "debug");
}

TEST_CASE("Plaintext stays on loopback unless insecure says otherwise") {
  const auto refused = Load("[listen]\naddress = \"0.0.0.0:7400\"\n");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().Text(),
             Catch::Contains("0.0.0.0:7400") && Catch::Contains("listen.insecure = true"));
  CHECK(Load("[listen]\naddress = \"0.0.0.0:7400\"\ninsecure = true\n"));
  CHECK(Load("[listen]\naddress = \"localhost:7400\"\n"));
  CHECK_FALSE(Load("[listen]\naddress = \"[::]:7400\"\n"));
  CHECK_FALSE(Load("[listen]\naddress = \"127.evil.example:7400\"\n"));
}

TEST_CASE("TLS listens anywhere, and needs a certificate and a key") {
  const std::string files = "tls_certificate = \"/s.crt\"\ntls_key = \"/s.key\"\n";
  CHECK(Load("[listen]\naddress = \"\"\ntls_address = \"[::]:7443\"\n" + files));
  CHECK_THAT(Load("[listen]\ntls_address = \"[::]:7443\"\n").error().Text(),
             Catch::Contains("listen.tls_certificate"));
  CHECK_THAT(Load("[listen]\ntls_address = \"7443\"\n" + files).error().Text(),
             Catch::Contains("listen.tls_address"));
  CHECK_THAT(Load("[listen]\naddress = \"\"\n").error().Text(), Catch::Contains("give one of them"));
}

TEST_CASE("A wrong value is named with what would be right") {
  for (const std::string address :
       {"7400", "127.0.0.1", "127.0.0.1:99999", "::1:7400", "[::1:7400", ":7400"}) {
    const auto refused = Load("[listen]\naddress = \"" + address + "\"\n");
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().Text(), Catch::Contains("listen.address"));
  }
  CHECK_THAT(Load("[ledger]\nannounce_backed_up = \"all\"\n").error().Text(), Catch::Contains("\"nothing\""));
  CHECK_THAT(Load("[log]\nlevel = \"loud\"\n").error().Text(), Catch::Contains("log.level"));
  CHECK_THAT(Load("[stream]\nwindow_batches = 0\n").error().Text(), Catch::Contains("stream.window_batches"));
  CHECK_THAT(Load("[acceptance]\nmax_line = 5\n").error().Text(), Catch::Contains("acceptance.max_line"));
}

TEST_CASE("The ledger is a file, and a report tells every problem") {
  const TempDirectory directory;
  CHECK_THAT(Load("[ledger]\npath = '" + directory.Path().string() + "'\n").error().Text(),
             Catch::Contains("which is a folder; name a file in it"));
  const std::string path = (directory.Path() / "ingest.toml").string();
  std::ofstream(path) << "[ledger]\npath = '/none/ledger.db'\n";
  const ConfigReport report = InspectIngestConfig(path);
  CHECK(report.problems.empty());
  CHECK(report.settings.size() >= 10);
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0].Text(), Catch::StartsWith("ledger.path: /none does not exist"));
  std::ofstream(path) << "[ledger]\npath = ''\n[listen]\naddress = 'x'\n";
  CHECK(InspectIngestConfig(path).problems.size() == 2);
}

}  // namespace
}  // namespace tillwire
