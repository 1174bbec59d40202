// What the programs tell about themselves: to Prometheus, to a log's reader, to the service manager, and
// along a trace.
#include <grpcpp/grpcpp.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/exposition.h"
#include "tests/support/http_get.h"
#include "tests/support/notify_socket.h"
#include "tests/support/wait.h"
#include "tillwire/v1/capture.grpc.pb.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

constexpr const char* kInMetadata = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr const char* kInRequest = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

class Observed : protected StoreRig {
 protected:
  Observed() {
    agent.Settings().metrics_listen = "127.0.0.1:0";
    centre.Settings().metrics_listen = "127.0.0.1:0";
  }

  // Where the program's log says that metrics are served; it says so when it already serves the rest.
  template <typename Program>
  static std::uint16_t MetricsPort(Program& program) {
    constexpr std::string_view kKey = "metrics: listening address=127.0.0.1:";
    std::uint16_t port = 0;
    REQUIRE(WaitUntil(10s, [&] {
      const std::string log = program.Log();
      const auto place = log.find(kKey);
      if (place == std::string::npos || log.find('\n', place) == std::string::npos) return false;
      port = static_cast<std::uint16_t>(std::stoi(log.substr(place + kKey.size())));
      return true;
    }));
    return port;
  }

  // A scrape that is well formed, and in which no counter fell since the one before.
  template <typename Program>
  static Exposition Scrape(Program& program, Exposition& before) {
    const HttpReply reply = HttpGet(MetricsPort(program), "/metrics");
    REQUIRE(reply.status == 200);
    Exposition scrape = ParseExposition(reply.body);
    INFO((scrape.problems.empty() ? "" : scrape.problems.front()));
    CHECK(scrape.problems.empty());
    const auto fell = CountersThatFell(before, scrape);
    INFO((fell.empty() ? "" : fell.front()));
    CHECK(fell.empty());
    before = scrape;
    return scrape;
  }
  Exposition OfAgent() { return Scrape(agent, agent_before_); }
  Exposition OfCentre() { return Scrape(centre, centre_before_); }

 private:
  Exposition agent_before_;
  Exposition centre_before_;
};

TEST_CASE_METHOD(Observed, "The metrics of both daemons say what was captured, delivered and parked") {
  centre.Settings().max_lines = 3;
  Start();
  CHECK(OfAgent().Value("tillwire_captured_total{source=\"grpc\"}") == 0);
  OfCentre();
  CaptureOrders(agent, "W-", 7);
  REQUIRE(agent.Client().Capture(Cancellation("W-1")).ok());      // a repeat
  REQUIRE(agent.Client().Capture(Cancellation("LONG", 5)).ok());  // parked
  CHECK_FALSE(agent.Client().Capture(v1::CaptureEventRequest()).ok());
  const CommandOutcome by_cli =
      agent.RunCli({"cancel", "--order-id", "C-1", "--scope", "whole-order", "--initiator", "customer",
                    "--reason", "customer-request", "--release-policy", "on-cancel", "--operator-id", "7"});
  INFO(by_cli.errors);
  REQUIRE(by_cli.status.code == 0);
  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) {
    return status.outbox().delivered() == 8 && status.outbox().parked() == 1;
  }));
  // The uplink counts after the outbox has noted.
  REQUIRE(WaitUntil(10s, [&] {
    const Exposition counts = OfAgent();
    return counts.Value("tillwire_delivered_total") == 8 &&
           counts.Value("tillwire_parked_total{reason=\"TOO_MANY_LINES\"}") == 1;
  }));

  const Exposition till = OfAgent();
  CHECK(till.Value("tillwire_outbox_up") == 1);
  CHECK(till.Value("tillwire_captured_total{source=\"grpc\"}") == 8);
  CHECK(till.Value("tillwire_captured_total{source=\"cli\"}") == 1);
  CHECK(till.Value("tillwire_capture_repeated_total") == 1);
  CHECK(till.Value("tillwire_capture_refused_total{code=\"INVALID_ARGUMENT\"}") == 1);
  CHECK(till.Value("tillwire_capture_seconds_count") == 11);
  CHECK(till.Value("tillwire_commit_records_sum") == 9);
  CHECK(till.Value("tillwire_delivery_seconds_count") >= 1);
  CHECK(till.Value("tillwire_outbox_events{state=\"pending\"}") == 0);
  CHECK(till.Value("tillwire_outbox_events{state=\"delivered\"}") == 8);
  CHECK(till.Value("tillwire_outbox_events{state=\"parked\"}") == 1);
  CHECK(till.Value("tillwire_outbox_oldest_pending_seconds") == 0);
  CHECK(till.Value("tillwire_outbox_used_bytes") > 0);
  CHECK(till.Value("tillwire_uplink_connected") == 1);
  CHECK(till.Value("tillwire_uplink_connects_total") == 1);
  CHECK(HttpGet(MetricsPort(agent), "/healthz").body == "ok\n");

  const Exposition hub = OfCentre();
  CHECK(hub.Value("tillwire_ingest_ledger_up") == 1);
  CHECK(hub.Value("tillwire_ingest_records_total{disposition=\"ACCEPTED\"}") == 8);
  CHECK(hub.Value("tillwire_ingest_records_total{disposition=\"PARKED\"}") == 1);
  CHECK(hub.Value("tillwire_ingest_parked_total{reason=\"TOO_MANY_LINES\"}") == 1);
  CHECK(hub.Value("tillwire_ingest_parked") == 1);
  CHECK(hub.Value("tillwire_ingest_terminals") == 1);
  CHECK(hub.Value("tillwire_ingest_streams_open") == 1);
  CHECK(hub.Value("tillwire_ingest_batch_records_sum") == 9);
  CHECK(hub.Value("tillwire_ingest_ledger_commit_seconds_count") >= 1);
  CHECK(hub.Value("tillwire_ingest_conflicts_total") == 0);
  CHECK(HttpGet(MetricsPort(centre), "/healthz").body == "ok\n");
}

TEST_CASE_METHOD(Observed, "Events that were given up count as tombstones at the centre") {
  centre.Settings().max_lines = 3;
  Start();
  CHECK(OfCentre().Value("tillwire_ingest_tombstones_total") == 0);
  for (const char* order : {"LONG-1", "LONG-2"}) {
    const auto parked = agent.Client().Capture(Cancellation(order, 5));
    REQUIRE(parked.ok());
    REQUIRE(agent.WaitForStatus(30s, [](const auto& status) { return status.outbox().parked() == 1; }));
    REQUIRE(agent.Client().Release(parked->event_id, "117", "entered by hand").ok());
  }
  CHECK(WaitUntil(30s, [&] { return OfCentre().Value("tillwire_ingest_tombstones_total") == 2; }));
  CHECK(centre.Counts().tombstoned == 2);
}

TEST_CASE_METHOD(Observed, "What came through the spool is counted, and what could not be taken shows") {
  Start();
  const std::filesystem::path spool = agent.OutboxDirectory() / "spool";
  const auto drop = [&](const std::string& name, const std::string& content) {
    WriteWholeFile(spool / "tmp" / name, content);
    std::filesystem::rename(spool / "tmp" / name, spool / "new" / name);
  };
  drop("00001780000000000001-a.json",
       R"({"operator_id": "7", "order_cancellation": {"order_id": "W-1", "scope": "WHOLE_ORDER", )"
       R"("initiator": "CUSTOMER", "reason": "CUSTOMER_REQUEST", "release_policy": "ON_CANCEL"}})");
  drop("00001780000000000002-b.json", "nonsense");
  REQUIRE(WaitUntil(10s, [&] { return OfAgent().Value("tillwire_spool_files{state=\"bad\"}") == 1; }));
  const Exposition till = OfAgent();
  CHECK(till.Value("tillwire_captured_total{source=\"spool\"}") == 1);
  CHECK(till.Value("tillwire_spool_files{state=\"waiting\"}") == 0);
}

TEST_CASE_METHOD(Observed, "A link that was cut shows as failures, a growing age and no connection") {
  Start();
  OfAgent();
  link.Cut();
  REQUIRE(
      agent.WaitForStatus(10s, [](const auto& status) { return !status.connection().last_error().empty(); }));
  CaptureOrders(agent, "W-", 3);
  REQUIRE(WaitUntil(10s, [&] { return OfAgent().Value("tillwire_outbox_oldest_pending_seconds") > 0.2; }));
  const Exposition cut = OfAgent();
  CHECK(cut.Value("tillwire_outbox_events{state=\"pending\"}") == 3);
  CHECK(cut.Value("tillwire_uplink_connected") == 0);
  CHECK(cut.Value("tillwire_delivery_failures_total{code=\"UNREACHABLE\"}") >= 1);
  REQUIRE(WaitUntil(10s, [&] { return OfCentre().Value("tillwire_ingest_streams_open") == 0; }));

  link.Heal();
  REQUIRE(agent.WaitUntilDrained());
  // The uplink counts what was delivered after the outbox has noted it.
  REQUIRE(WaitUntil(10s, [&] { return OfAgent().Value("tillwire_delivered_total") == 3; }));
  const Exposition healed = OfAgent();
  CHECK(healed.Value("tillwire_uplink_connected") == 1);
  CHECK(healed.Value("tillwire_uplink_connects_total") == 2);
}

TEST_CASE_METHOD(Observed, "A metrics port in use costs the metrics and nothing else") {
  Start();
  const std::uint16_t taken = MetricsPort(agent);
  AgentSettings settings = MakeAgentSettings("second");
  settings.terminal_id = "till-4";
  settings.metrics_listen = "127.0.0.1:" + std::to_string(taken);
  AgentProgram second(settings);
  second.Start();
  REQUIRE(WaitUntil(10s, [&] { return second.Log().find("metrics: not served") != std::string::npos; }));
  CHECK_THAT(second.Log(), Catch::Contains("metrics: not served error=\"cannot listen on metrics.listen") &&
                               Catch::Contains("Address already in use"));
  CHECK(CaptureOrders(second, "W-", 1).size() == 1);
  REQUIRE(second.WaitUntilDrained());
}

TEST_CASE_METHOD(Observed, "A trace context goes with the event from its caller to the ledger's listing") {
  Start();
  auto by_field = Cancellation("W-1");
  by_field.set_traceparent(kInRequest);
  REQUIRE(agent.Client().Capture(by_field).ok());
  const auto stub = v1::CaptureService::NewStub(
      grpc::CreateChannel("unix:" + agent.Socket().string(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.AddMetadata("traceparent", kInMetadata);
  v1::CaptureEventResponse response;
  REQUIRE(stub->CaptureEvent(&context, Cancellation("W-2"), &response).ok());
  REQUIRE(agent.WaitUntilDrained());

  const CommandOutcome events =
      RunCommand(kIngestdProgram, {"events", "--json", "--server", centre.Address()});
  INFO(events.errors);
  REQUIRE(events.status.code == 0);
  std::vector<std::string> seen;
  std::istringstream lines(events.output);
  for (std::string line; std::getline(lines, line);) {
    seen.push_back(nlohmann::json::parse(line)["event"]["traceparent"]);
  }
  CHECK(seen == std::vector<std::string>{kInRequest, kInMetadata});
}

TEST_CASE_METHOD(Observed, "As JSON each line of either log is an object") {
  agent.Settings().log_format = "json";
  centre.Settings().log_format = "json";
  centre.Settings().max_lines = 3;
  centre.Start();
  link.SetCentre(centre.Port());
  agent.Start();
  REQUIRE(agent.WaitUntilConnected());
  REQUIRE(agent.Client().Capture(Cancellation("LONG", 5)).ok());
  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) { return status.outbox().parked() == 1; }));
  agent.Stop();
  centre.Stop();
  bool parked = false;
  for (const std::string& log : {agent.Log(), centre.Log()}) {
    std::istringstream lines(log);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      INFO(line);
      REQUIRE(nlohmann::json::accept(line));
      const auto object = nlohmann::json::parse(line);
      for (const auto* member : {"time", "level", "part", "message"}) CHECK(object.contains(member));
      parked = parked || (object["part"] == "uplink" && object.value("reason", "") == "TOO_MANY_LINES");
    }
    CHECK(count >= 4);
  }
  CHECK(parked);
}

TEST_CASE_METHOD(Observed, "The service manager hears of readiness, state, beats and the end") {
  NotifySocket agent_manager((agent.Settings().directory / "notify").string());
  NotifySocket centre_manager((centre.Settings().directory / "notify").string());
  agent.Settings().environment = {{"NOTIFY_SOCKET", agent_manager.Path()}, {"WATCHDOG_USEC", "400000"}};
  centre.Settings().environment = {{"NOTIFY_SOCKET", centre_manager.Path()}, {"WATCHDOG_USEC", "400000"}};
  Start();
  CHECK(agent_manager.Next(10s) == "READY=1");
  CHECK(centre_manager.Next(10s) == "READY=1");
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(agent_manager.WaitFor("WATCHDOG=1", 10s).empty());
    CHECK_FALSE(centre_manager.WaitFor("WATCHDOG=1", 10s).empty());
  }
  CHECK(agent_manager.Saw(
      "STATUS=connected to 127.0.0.1:" + std::to_string(link.Port()) + "; 0 pending, 0 parked", 15s));
  CHECK(centre_manager.Saw("STATUS=serving on " + centre.Address() + "; agents connected: 1", 15s));
  agent.Stop();
  CHECK(agent_manager.Saw("STOPPING=1", 10s));
  centre.Stop();
  CHECK(centre_manager.Saw("STOPPING=1", 10s));
  INFO("the agent said:\n"
       << agent_manager.Transcript() << "the centre said:\n"
       << centre_manager.Transcript());
  CHECK(agent_manager.Transcript().ends_with("STOPPING=1\n"));
  CHECK(centre_manager.Transcript().ends_with("STOPPING=1\n"));
}

}  // namespace
}  // namespace tillwire
