#include "agent/config.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace tillwire {
namespace {

constexpr const char* kIdentity = "terminal.store_id = '0042'\nterminal.terminal_id = 'till-3'\n";

class Fixture {
 protected:
  Result<AgentConfig> Load(const std::string& content) {
    std::ofstream(Path()) << content;
    return LoadAgentConfig(Path());
  }

  AgentConfig Good(const std::string& content) {
    auto config = Load(kIdentity + content);
    INFO((config ? "" : config.error().Text()));
    REQUIRE(config.ok());
    return *config;
  }

  std::string Problem(const std::string& content) {
    const auto config = Load(kIdentity + content);
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(config.error().message, Catch::StartsWith(Path()));
    return config.error().Text();
  }

  [[nodiscard]] std::string Path() const { return (directory_.Path() / "tillwired.toml").string(); }

 private:
  TempDirectory directory_;
};

TEST_CASE_METHOD(Fixture, "Store and terminal are enough, the rest has defaults") {
  const AgentConfig config = Good("");
  CHECK(config.store_id == "0042");
  CHECK(config.terminal_id == "till-3");
  CHECK(config.socket == "/run/tillwire/capture.sock");
  CHECK(config.uplink.server == "127.0.0.1:7400");
  CHECK(config.outbox.max_bytes == 2ULL << 30);
  CHECK(config.outbox.reserve_bytes == 8ULL << 20);
  CHECK(config.spool.directory == "/var/lib/tillwire/spool");
  CHECK(Good("outbox.directory = '/o'\n").spool.directory == "/o/spool");
}

TEST_CASE_METHOD(Fixture, "Metrics and logs can be set, and are checked") {
  const AgentConfig plain = Good("");
  CHECK(plain.metrics.listen == "127.0.0.1:7411");
  CHECK_FALSE(plain.metrics.insecure);
  CHECK(plain.log_format == "text");
  const AgentConfig set =
      Good("metrics.listen = '0.0.0.0:9'\nmetrics.insecure = true\nlog.format = 'json'\n");
  CHECK(set.metrics.listen == "0.0.0.0:9");
  CHECK(set.log_format == "json");
  CHECK(Good("metrics.listen = ''").metrics.listen.empty());
  CHECK_THAT(Problem("metrics.listen = '10.1.2.3:9'"), Catch::Contains("is reachable from other machines"));
  CHECK_THAT(Problem("metrics.listen = 'here'"), Catch::Contains("give it as host:port"));
  CHECK_THAT(Problem("log.format = 'xml'"), Catch::Contains("log.format is \"xml\"; give text or json"));
}

TEST_CASE_METHOD(Fixture, "Every key can be set") {
  const AgentConfig config = Good(R"(
terminal.machine_id_file = "/m"
outbox.directory = "/o"
outbox.max_bytes = "1GiB"
outbox.delivered_retention = "7d"
outbox.delivered_max_bytes = "64MiB"
outbox.idempotency_retention = "14d"
spool.directory = "/p"
capture.socket = "/s"
uplink.server = "ingest.example.com:7400"
uplink.tls = true
uplink.ca_file = "/ca.pem"
uplink.insecure = true
uplink.batch_records = 100
uplink.batch_bytes = "128KiB"
uplink.window_batches = 2
uplink.backoff_base = "2s"
uplink.backoff_cap = "1m"
uplink.keepalive_time = "20s"
uplink.keepalive_timeout = "5s"
uplink.answer_timeout = "30s"
log.level = "debug"
)");
  CHECK(config.machine_id_file == "/m");
  CHECK(config.outbox.directory == "/o");
  CHECK(config.spool.directory == "/p");
  CHECK(config.outbox.max_bytes == 1ULL << 30);
  CHECK(config.outbox.delivered_retention == std::chrono::hours(7 * 24));
  CHECK(config.outbox.delivered_max_bytes == 64ULL << 20);
  CHECK(config.outbox.idempotency_retention == std::chrono::hours(14 * 24));
  CHECK(config.socket == "/s");
  CHECK(config.uplink.server == "ingest.example.com:7400");
  CHECK(config.uplink.tls);
  CHECK(config.uplink.ca_file == "/ca.pem");
  CHECK(config.uplink.insecure);
  CHECK(config.uplink.batch_records == 100);
  CHECK(config.uplink.batch_bytes == 128ULL << 10);
  CHECK(config.uplink.window_batches == 2);
  CHECK(config.uplink.backoff_base == std::chrono::seconds(2));
  CHECK(config.uplink.backoff_cap == std::chrono::minutes(1));
  CHECK(config.uplink.keepalive_time == std::chrono::seconds(20));
  CHECK(config.uplink.keepalive_timeout == std::chrono::seconds(5));
  CHECK(config.uplink.answer_timeout == std::chrono::seconds(30));
  CHECK(config.log_level == "debug");
}

TEST_CASE_METHOD(Fixture, "A terminal without its names does not start") {
  const auto config = Load("terminal.store_id = '0042'\n");
  REQUIRE_FALSE(config.ok());
  CHECK_THAT(config.error().Text(),
             Catch::Contains("terminal.terminal_id is missing; give this terminal's name"));
}

TEST_CASE_METHOD(Fixture, "Plaintext to another machine needs consent") {
  CHECK_THAT(Problem("uplink.server = 'ingest.example.com:7400'\n"),
             Catch::Contains("uplink.insecure = true"));
  CHECK_THAT(Problem("uplink.server = '127.0.0.1.example.com:7400'\n"),
             Catch::Contains("uplink.insecure = true"));
  const auto* loopback = GENERATE("127.0.0.1:7400", "127.0.0.53:1", "localhost:7400", "[::1]:65535");
  Good(std::string("uplink.server = '") + loopback + "'\n");
}

TEST_CASE_METHOD(Fixture, "TLS needs no consent, and authorities need TLS") {
  Good("uplink.server = 'ingest.example.com:7443'\nuplink.tls = true\n");
  CHECK_THAT(Problem("uplink.ca_file = '/ca.pem'\n"), Catch::Contains("set uplink.tls = true"));
  CHECK_THAT(Problem("uplink.tls = true\nuplink.ca_file = 'ca.pem'\n"), Catch::Contains("absolute path"));
}

TEST_CASE_METHOD(Fixture, "A server is host and port") {
  const auto* server = GENERATE("", "localhost", "localhost:", "localhost:0", "localhost:65536", ":7400",
                                "::1:7400", "http://localhost:7400", "localhost:74x", "a b:1");
  CHECK_THAT(Problem(std::string("uplink.server = '") + server + "'\n"), Catch::Contains("give host:port"));
}

TEST_CASE_METHOD(Fixture, "Values have bounds and form") {
  CHECK_THAT(Problem("outbox.max_bytes = '1KiB'\n"), Catch::Contains("from 2MiB to 1024GiB"));
  CHECK_THAT(Problem("uplink.window_batches = 0\n"), Catch::Contains("from 1 to 64"));
  CHECK_THAT(Problem("uplink.backoff_base = '10s'\nuplink.backoff_cap = '5s'\n"),
             Catch::Contains("backoff_cap"));
  CHECK_THAT(Problem("outbox.directory = 'var'\n"), Catch::Contains("give an absolute path"));
  CHECK_THAT(Problem("spool.directory = 'var'\n"), Catch::Contains("spool.directory is \"var\""));
  CHECK_THAT(Problem("capture.socket = ''\n"), Catch::Contains("give an absolute path"));
  CHECK_THAT(Problem("capture.socket = '/" + std::string(107, 'x') + "'\n"),
             Catch::Contains("capture.socket has 108 bytes"));
  CHECK_THAT(Problem("log.level = 'loud'\n"), Catch::Contains("give debug, info, warn or error"));
  CHECK_THAT(Problem("uplink.sever = 'x'\n"), Catch::Contains("did you mean uplink.server?"));
}

TEST_CASE_METHOD(Fixture, "Delivered events leave half of the outbox to captures") {
  Good("outbox.max_bytes = '2MiB'\noutbox.delivered_max_bytes = '1MiB'\n");
  const std::string problem = Problem("outbox.max_bytes = '300MiB'\n");
  CHECK_THAT(problem, Catch::Contains("outbox.delivered_max_bytes (268435456 bytes) is more than half of "
                                      "outbox.max_bytes (314572800 bytes)"));
  CHECK_THAT(problem, Catch::Contains("lower outbox.delivered_max_bytes to at most 150MiB"));
}

TEST_CASE_METHOD(Fixture, "Names of store and terminal are plain") {
  for (const char* id : {"' x'", "'x '", "\"a\\tb\""}) {
    const auto config = Load(std::string("terminal.store_id = ") + id + "\nterminal.terminal_id = 't'\n");
    REQUIRE_FALSE(config.ok());
    CHECK_THAT(config.error().Text(), Catch::Contains("terminal.store_id begins or ends with a space"));
  }
  const auto config =
      Load("terminal.store_id = '" + std::string(129, 'x') + "'\nterminal.terminal_id = 't'\n");
  REQUIRE_FALSE(config.ok());
  CHECK_THAT(config.error().Text(), Catch::Contains("terminal.store_id has 129 bytes; give at most 128"));
}

TEST_CASE_METHOD(Fixture, "The sample is a configuration, and shows the defaults") {
  std::ifstream sample(TILLWIRE_SAMPLE_CONFIG);
  REQUIRE(sample.is_open());
  std::string as_it_is;
  std::string uncommented;
  for (std::string line; std::getline(sample, line);) {
    as_it_is += line + "\n";
    const bool key = line.starts_with("#") && !line.starts_with("# ") && line.size() > 1;
    uncommented += (key ? line.substr(1) : line) + "\n";
  }
  const auto plain = Load(as_it_is);
  INFO((plain ? "" : plain.error().Text()));
  REQUIRE(plain.ok());
  const auto full = Load(uncommented);
  INFO((full ? "" : full.error().Text()));
  REQUIRE(full.ok());
  CHECK(as_it_is != uncommented);
  CHECK(full->socket == plain->socket);
  CHECK(full->machine_id_file == plain->machine_id_file);
  CHECK(full->log_level == plain->log_level);
  CHECK(full->outbox.directory == plain->outbox.directory);
  CHECK(full->spool.directory == plain->spool.directory);
  CHECK(full->outbox.max_bytes == plain->outbox.max_bytes);
  CHECK(full->outbox.delivered_retention == plain->outbox.delivered_retention);
  CHECK(full->outbox.delivered_max_bytes == plain->outbox.delivered_max_bytes);
  CHECK(full->outbox.idempotency_retention == plain->outbox.idempotency_retention);
  CHECK(full->uplink.server == plain->uplink.server);
  CHECK(full->uplink.tls == plain->uplink.tls);
  CHECK(full->uplink.ca_file == plain->uplink.ca_file);
  CHECK(full->uplink.insecure == plain->uplink.insecure);
  CHECK(full->uplink.batch_records == plain->uplink.batch_records);
  CHECK(full->uplink.batch_bytes == plain->uplink.batch_bytes);
  CHECK(full->uplink.window_batches == plain->uplink.window_batches);
  CHECK(full->uplink.backoff_base == plain->uplink.backoff_base);
  CHECK(full->uplink.backoff_cap == plain->uplink.backoff_cap);
  CHECK(full->uplink.keepalive_time == plain->uplink.keepalive_time);
  CHECK(full->uplink.keepalive_timeout == plain->uplink.keepalive_timeout);
  CHECK(full->uplink.answer_timeout == plain->uplink.answer_timeout);
}

}  // namespace
}  // namespace tillwire
