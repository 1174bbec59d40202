// Why an event has not arrived: every situation that a store may be in, made for real, and explained by the
// agent.
#include <SQLiteCpp/SQLiteCpp.h>
#include <glob.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/e2e/requests.h"
#include "tests/e2e/store_rig.h"
#include "tests/support/stand_in_server.h"
#include "tests/support/test_certificate.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;

// Where Debian's package libfaketime puts what makes a program see another time.
std::string FakeTimeLibrary() {
  glob_t found{};
  std::string path;
  if (glob("/usr/lib/*/faketime/libfaketimeMT.so.1", 0, nullptr, &found) == 0) path = found.gl_pathv[0];
  globfree(&found);
  return path;
}

class ExplainRig : protected StoreRig {
 protected:
  // An agent that finds `port` where it looks for its centre, and one captured event.
  std::string CaptureWithServer(std::uint16_t port) {
    agent.Settings().server_port = port;
    agent.Start();
    return CaptureOne();
  }

  std::string CaptureOne(const std::string& order = "W-1", int lines = 1) {
    const Result<CaptureReply> captured = agent.Client().Capture(Cancellation(order, lines));
    INFO((captured ? std::string() : captured.error().Text()));
    REQUIRE(captured.ok());
    return captured->event_id;
  }

  // Waits until the first explanation of the event is that one, and returns it.
  v1::Explanation AwaitReason(const std::string& event_id, v1::ExplanationReason reason) {
    v1::ExplainEventResponse last;
    const bool explained = WaitUntil(
        20s,
        [&] {
          const auto response = agent.Client().Explain(event_id);
          if (response) last = *response;
          return response && response->explanations_size() > 0 &&
                 response->explanations(0).reason() == reason;
        },
        10ms);
    INFO("the last explanation was " << last.ShortDebugString() << "\nthe agent logged:\n" << agent.Log());
    REQUIRE(explained);
    return last.explanations(0);
  }

  // And says so with such a text and such a remedy.
  void CheckReason(const std::string& event_id, v1::ExplanationReason reason, const std::string& text,
                   const std::string& remedy) {
    const v1::Explanation explanation = AwaitReason(event_id, reason);
    CHECK_THAT(explanation.text(), Catch::Contains(text));
    CHECK_THAT(explanation.remedy(), Catch::Contains(remedy));
  }

  void UseTls(const std::filesystem::path& ca_file) {
    agent.Settings().uplink_lines = {"tls = true", "ca_file = \"" + ca_file.string() + "\""};
  }

  [[nodiscard]] std::filesystem::path Folder() { return agent.Settings().directory.parent_path(); }
};

TEST_CASE_METHOD(ExplainRig, "Explained: nobody answers") {
  const std::string event = CaptureWithServer(link.Port());  // which refuses connections without a centre
  CheckReason(event, v1::EXPLANATION_REASON_NO_NETWORK, "no connection to 127.0.0.1:", "check the network");
}

TEST_CASE_METHOD(ExplainRig, "Explained: the name of the server is not known") {
  agent.Settings().uplink_lines = {"insecure = true"};
  agent.Settings().server_host = "no-such-host.invalid";
  const std::string event = CaptureWithServer(7400);
  CheckReason(event, v1::EXPLANATION_REASON_NO_NETWORK, "no-such-host.invalid", "check the network");
}

TEST_CASE_METHOD(ExplainRig, "Explained: a gRPC server that is not the centre's") {
  const StandInCentre other(Conduct::kOtherService);
  const std::string event = CaptureWithServer(other.Port());
  CheckReason(event, v1::EXPLANATION_REASON_WRONG_SERVER, "no Tillwire ingestion service",
              "check uplink.server");
}

TEST_CASE_METHOD(ExplainRig, "Explained: a captive portal") {
  const CaptivePortal portal;
  const std::string event = CaptureWithServer(portal.Port());
  CheckReason(event, v1::EXPLANATION_REASON_CAPTIVE_PORTAL, "not as a gRPC server does", "captive portal");
}

TEST_CASE_METHOD(ExplainRig, "Explained: the centre does not admit this terminal") {
  const StandInCentre refusing(Conduct::kRefuses);
  const std::string event = CaptureWithServer(refusing.Port());
  CheckReason(event, v1::EXPLANATION_REASON_REFUSED, "terminal till-3 of store 0042 is not admitted",
              "let the centre's operators admit store and terminal");
}

TEST_CASE_METHOD(ExplainRig, "Explained: an answer that makes no sense") {
  const StandInCentre confused(Conduct::kNonsense);
  const std::string event = CaptureWithServer(confused.Port());
  CheckReason(event, v1::EXPLANATION_REASON_PROTOCOL, "against the protocol", "versions that go together");
}

TEST_CASE_METHOD(ExplainRig, "Explained: the centre asked this terminal to wait") {
  const StandInCentre busy(Conduct::kPushesBack);
  agent.Settings().server_port = busy.Port();
  agent.Start();
  REQUIRE(agent.WaitForStatus(10s, [](const auto& status) {
    return status.connection().state() == v1::CONNECTION_STATE_PUSHED_BACK;
  }));
  CheckReason(CaptureOne(), v1::EXPLANATION_REASON_PUSHED_BACK, "asked this terminal to wait", "goes on in");
}

TEST_CASE_METHOD(ExplainRig, "Explained: the centre asked to send this event later") {
  const StandInCentre busy(Conduct::kRetriesLater);
  const std::string event = CaptureWithServer(busy.Port());
  CheckReason(event, v1::EXPLANATION_REASON_RETRY_LATER, "send it again later", "that is in");
}

TEST_CASE_METHOD(ExplainRig, "Explained: it is on its way") {
  const StandInCentre silent(Conduct::kSilent);
  const std::string event = CaptureWithServer(silent.Port());
  CheckReason(event, v1::EXPLANATION_REASON_IN_FLIGHT, "whose answer is awaited", "");
}

TEST_CASE_METHOD(ExplainRig, "Explained: a certificate that nobody known has signed") {
  const TestCertificate servers(Folder() / "tls");
  const TestCertificate another(Folder() / "another");
  centre.Settings().tls_certificate = servers.certificate;
  centre.Settings().tls_key = servers.key;
  centre.Start();
  UseTls(another.certificate);
  const std::string event = CaptureWithServer(centre.TlsPort());
  CheckReason(event, v1::EXPLANATION_REASON_CERTIFICATE,
              "no trusted connection to 127.0.0.1:", "uplink.ca_file");

  WriteWholeFile(another.certificate, ReadWholeFile(servers.certificate));
  CHECK(agent.WaitUntilDrained());  // the authorities are read anew: no restart is needed
}

TEST_CASE_METHOD(ExplainRig, "Explained: TLS is spoken at one end only") {
  StartCentre();
  const TestCertificate servers(Folder() / "tls");
  UseTls(servers.certificate);
  const std::string event = CaptureWithServer(centre.Port());
  CheckReason(event, v1::EXPLANATION_REASON_CERTIFICATE, "no trusted connection", "uplink.tls");
}

TEST_CASE_METHOD(ExplainRig, "Explained: the clock is wrong, so the certificate seems not valid yet") {
  const TestCertificate servers(Folder() / "tls");
  centre.Settings().tls_certificate = servers.certificate;
  centre.Settings().tls_key = servers.key;
  centre.Start();
  UseTls(servers.certificate);
  REQUIRE_FALSE(FakeTimeLibrary().empty());
  agent.Settings().environment = {{"LD_PRELOAD", FakeTimeLibrary()},
                                  {"FAKETIME", "@2019-03-01 08:00:00"},
                                  {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
  const std::string event = CaptureWithServer(centre.TlsPort());
  CheckReason(event, v1::EXPLANATION_REASON_CLOCK, "this terminal's clock says 2019-03-01", "set the clock");
  agent.Stop();
  agent.Settings().environment.clear();
  agent.Start();
  CHECK(agent.WaitUntilDrained());
}

TEST_CASE_METHOD(ExplainRig, "Explained: parked, and a lane that is held by it") {
  centre.Settings().max_lines = 3;
  Start();
  const std::string parked = CaptureOne("LONG", 5);
  const Result<CaptureReply> behind = agent.Client().Capture(ClearAfter(parked, "STG-A-01"));
  REQUIRE(behind.ok());
  CheckReason(parked, v1::EXPLANATION_REASON_PARKED, "TOO_MANY_LINES", "tillwire requeue " + parked);
  CheckReason(behind->event_id, v1::EXPLANATION_REASON_LANE_HELD, parked, "tillwire requeue " + parked);

  REQUIRE(agent.Client().Release(parked, "9", "entered twice").ok());
  CheckReason(parked, v1::EXPLANATION_REASON_RELEASED, "released by operator 9: entered twice",
              "capture the action again");
  REQUIRE(agent.WaitUntilDrained());
  CheckReason(behind->event_id, v1::EXPLANATION_REASON_DELIVERED, "the centre has it", "");
  const std::vector<LedgerEntry> ledger = centre.Ledger();
  REQUIRE(ledger.size() == 2);
  CHECK(ledger[0].kind == LedgerEntryKind::kTombstone);
  CHECK_THAT(ledger[0].cause, Catch::Contains("entered twice"));
}

TEST_CASE_METHOD(ExplainRig, "Explained: an operator paused the uplink, and a restart does not end that") {
  Start();
  REQUIRE(agent.Client().Pause("117", "network works").ok());
  const std::string event = CaptureOne();
  CheckReason(event, v1::EXPLANATION_REASON_PAUSED, "operator 117 paused the uplink: network works",
              "tillwire resume");
  agent.Stop();
  agent.Start();
  CheckReason(event, v1::EXPLANATION_REASON_PAUSED, "network works", "tillwire resume");
  CHECK(agent.Status().connection().state() == v1::CONNECTION_STATE_PAUSED);
  REQUIRE(agent.Client().Resume().ok());
  CHECK(agent.WaitUntilDrained());
  CheckReason(event, v1::EXPLANATION_REASON_DELIVERED, "the centre has it", "");
}

TEST_CASE_METHOD(ExplainRig, "Explained: the disk has damaged the event") {
  const std::string event = CaptureWithServer(link.Port());
  agent.Stop();
  {
    SQLite::Database file((agent.OutboxDirectory() / "outbox.db").string(), SQLite::OPEN_READWRITE);
    file.exec("UPDATE events SET event = event || x'00' WHERE position = 1");
  }
  StartCentre();
  agent.Start();
  CheckReason(event, v1::EXPLANATION_REASON_DAMAGED, "its bytes on this disk are damaged",
              "have the disk checked");
}

// Fills the page of the file that holds `text` with what no page is.
void RuinPage(const std::filesystem::path& path, const std::string& text) {
  constexpr std::size_t kPageBytes = 4096;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t found = content.find(text);
  REQUIRE(found != std::string::npos);
  file.seekp(static_cast<std::streamoff>(found / kPageBytes * kPageBytes));
  file << std::string(kPageBytes, '\xff');
}

TEST_CASE_METHOD(ExplainRig, "Explained: the disk can't be read") {
  // So many that the page in the middle is neither the first nor the last, which are read at start.
  std::vector<std::string> events{CaptureWithServer(link.Port())};
  for (int i = 2; i <= 60; ++i) events.push_back(CaptureOne("W-" + std::to_string(i)));
  agent.Stop();
  RuinPage(agent.OutboxDirectory() / "outbox.db", events[30]);
  agent.Start();
  // Without this the agent would salvage it: what stands where the copy is to be written can't be deleted.
  std::filesystem::create_directories(agent.OutboxDirectory() / "outbox.db-new" / "in-the-way");
  StartCentre();
  CheckReason(events[59], v1::EXPLANATION_REASON_DISK, "the outbox can't be used", "disk");
}

}  // namespace
}  // namespace tillwire
