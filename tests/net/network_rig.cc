#include "tests/net/network_rig.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <ctime>
#include <functional>
#include <iostream>
#include <utility>

#include "tests/e2e/programs.h"
#include "tests/support/process_usage.h"
#include "tests/support/test_certificate.h"
#include "tests/support/wait.h"

namespace tillwire {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kPlanned = 5000;
constexpr std::size_t kBefore = 20;
constexpr std::uint64_t kMaxAgentKib = 64 * 1024;
constexpr std::uint64_t kMaxCentreKib = 128 * 1024;

std::chrono::milliseconds Since(Steady::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begin);
}

std::string Seconds(const std::optional<std::chrono::milliseconds>& time) {
  return time ? fmt::format("{:.1f} s", static_cast<double>(time->count()) / 1000) : "-";
}

AgentSettings TillSettings(const std::filesystem::path& directory, std::vector<std::string> launcher) {
  AgentSettings settings;
  settings.directory = directory;
  settings.server_host = NetworkRig::kCentreAddress;
  settings.server_port = NetworkRig::kPort;
  settings.uplink_lines = {"insecure = true"};
  // The product's defaults are 1 s and 120 s: a test does not wait for so long a cap.
  settings.backoff_base = "1s";
  settings.backoff_cap = "8s";
  settings.launcher = std::move(launcher);
  return settings;
}

CentreSettings SideSettings(const std::filesystem::path& directory, std::vector<std::string> launcher) {
  CentreSettings settings(directory);
  settings.listen = "0.0.0.0:" + std::to_string(NetworkRig::kPort);
  settings.launcher = std::move(launcher);
  return settings;
}

std::vector<PlannedCapture> Plan() {
  StoreDayOptions day;
  day.captures = kPlanned;
  return PlanStoreDay(day);
}

}  // namespace

bool HaveNetwork(const std::string& scenario) {
  static const std::optional<std::string> why_not = WhyNoNamespaces();
  if (!why_not) return true;
  std::cout << "net: " << scenario << ": NOT RUN, network namespaces can't be had here (" << *why_not
            << "); the relay over loopback alone is tested\n";
  return false;
}

NetworkRig::NetworkRig(std::string scenario)
    : scenario_(std::move(scenario)),
      agent(TillSettings(directory_.Path() / "agent", till_.Launcher())),
      centre(SideSettings(directory_.Path() / "centre", side_.Launcher())) {
  provider_.Ip("link add name till1 type veth peer name till0 netns " + till_.Path() +
               "\n"
               "link add name centre1 type veth peer name centre0 netns " +
               side_.Path() +
               "\n"
               "link set till1 up\n"
               "link set centre1 up\n");
  till_.Ip("link set lo up\naddr add 10.77.0.1/24 dev till0\nlink set till0 up\n");
  side_.Ip(std::string("link set lo up\naddr add ") + kCentreAddress +
           "/24 dev centre0\nlink set centre0 up\n");
  till_.Run([] { TurnOffloadsOff("till0"); });
  side_.Run([] { TurnOffloadsOff("centre0"); });
  const std::uint64_t seed = std::hash<std::string>()(scenario_);
  line_ = std::make_unique<PacketRelay>(provider_, "till1", "centre1", seed);
  driver_ = std::make_unique<StoreDriver>(
      DriverSettings{.socket = agent.Socket(), .workers = 4, .attempt_timeout = 10s}, Plan());
  driver_->AllowUpTo(0);
}

NetworkRig::~NetworkRig() {
  std::cout << fmt::format("net: {:<34} detected {:>7}  healed {:>7}  {}; said \"{}\"\n", scenario_,
                           Seconds(seen_.detected), Seconds(seen_.healed), outcome_, seen_.named);
}

void NetworkRig::Begin() {
  centre.Start();
  agent.Start();
  INFO("the agent logged:\n" << agent.Log());
  REQUIRE(agent.WaitUntilConnected());
  Capture(kBefore);
  AwaitCaptured();
  REQUIRE(agent.WaitUntilDrained());
  AwaitQuiet();
}

// A packet that is still to be confirmed would show a break sooner than an idle line does.
void NetworkRig::AwaitQuiet() {
  std::uint64_t passed = 0;
  const bool quiet =
      WaitUntil(20s, [&] { return std::exchange(passed, line_->Passed()) == line_->Passed(); }, 700ms);
  CHECK(quiet);
}

void NetworkRig::Capture(std::size_t count) {
  allowed_ += count;
  REQUIRE(allowed_ <= kPlanned);
  driver_->AllowUpTo(allowed_);
  if (driver_->Done()) driver_->Start();  // the first time
}

void NetworkRig::AwaitCaptured() {
  INFO("acknowledged " << driver_->Acknowledged() << " of " << allowed_);
  REQUIRE(WaitUntil(30s, [this] { return driver_->Acknowledged() >= allowed_; }));
}

void NetworkRig::AwaitConnectedFor(std::chrono::seconds time) {
  const std::int64_t since = agent.Status().connection().connected_since().seconds();
  CHECK(WaitUntil(2 * time, [&] { return std::time(nullptr) > since + time.count(); }, 50ms));
}

void NetworkRig::Break(const std::function<void()>& fault) {
  delivered_before_ = agent.Status().outbox().delivered();
  broken_at_ = Steady::now();
  fault();
}

void NetworkRig::AwaitDetected(const std::string& text) {
  const bool detected = agent.WaitForStatus(kDetectWithin + kSlack, [&](const auto& status) {
    seen_.named = status.connection().last_error();
    return status.connection().state() != v1::CONNECTION_STATE_CONNECTED && !seen_.named.empty();
  });
  if (detected) seen_.detected = Since(broken_at_);
  INFO("the agent logged:\n" << agent.Log());
  REQUIRE(detected);
  const CommandOutcome status = agent.RunCli({"status"});
  CHECK_THAT(status.output, Catch::Contains(text));
}

void NetworkRig::AwaitNamed(const std::string& text, std::chrono::milliseconds within) {
  const bool named = agent.WaitForStatus(within, [&](const auto& status) {
    seen_.named = status.connection().last_error();
    return seen_.named.find(text) != std::string::npos;
  });
  INFO("the agent logged:\n" << agent.Log());
  CHECK(named);
}

v1::ExplanationReason NetworkRig::ReasonOfLast() {
  const auto explained = agent.Client().Explain(driver_->Log().back().event_id);
  REQUIRE(explained);
  INFO(explained->ShortDebugString());
  REQUIRE(explained->explanations_size() > 0);
  return explained->explanations(0).reason();
}

void NetworkRig::AwaitForgottenByCentre() {
  const bool forgotten = WaitUntil(kDetectWithin + kSlack, [this] { return StreamsAtCentre() == 0; }, 200ms);
  INFO("the centre logged:\n" << centre.Log());
  CHECK(forgotten);
}

void NetworkRig::Heal(const std::function<void()>& mend) {
  delivered_before_ = agent.Status().outbox().delivered();
  healed_at_ = Steady::now();
  mend();
}

void NetworkRig::AwaitSending(std::chrono::milliseconds within) {
  const bool sending = agent.WaitForStatus(within + kSlack, [this](const auto& status) {
    return status.outbox().delivered() > delivered_before_;
  });
  if (sending) seen_.healed = Since(healed_at_);
  INFO("the agent logged:\n" << agent.Log() << "\nthe centre logged:\n" << centre.Log());
  REQUIRE(sending);
}

void NetworkRig::Finish(std::chrono::milliseconds drain) {
  AwaitCaptured();
  driver_->Finish();
  const bool drained = agent.WaitUntilDrained(drain);
  const std::uint64_t agent_kib = ReadProcessUsage(agent.Pid()).anonymous_kib;
  const std::uint64_t centre_kib = ReadProcessUsage(centre.Pid()).anonymous_kib;
  INFO("the agent logged:\n" << agent.Log() << "\nthe centre logged:\n" << centre.Log());
  agent.Stop();
  centre.Stop();
  // Where this process can reach it, it says what it has.
  centre.Settings().launcher.clear();
  centre.Settings().listen = "127.0.0.1:0";
  centre.Start();
  const GuaranteeReport report = CheckGuarantee(driver_->Log(), centre.Ledger());
  outcome_ =
      fmt::format("acknowledged {}, lost {}, doubled {}, out of order {}; agent {:.0f} MB, centre {:.0f} MB",
                  report.acknowledged, report.lost, report.doubled, report.out_of_order,
                  static_cast<double>(agent_kib) / 1024, static_cast<double>(centre_kib) / 1024);
  INFO(report.Findings());
  CHECK(drained);
  CHECK(report.Holds());
  CHECK(report.acknowledged == allowed_);
  CHECK(driver_->Complaints().empty());
  CHECK(agent_kib < kMaxAgentKib);
  CHECK(centre_kib < kMaxCentreKib);
}

void NetworkRig::SetNames(const std::string& hosts, const std::string& resolver) {
  const std::filesystem::path hosts_file = directory_.Path() / "hosts";
  const std::filesystem::path resolver_file = directory_.Path() / "resolv.conf";
  // Written in place: a mount shows the file that it was made of.
  WriteWholeFile(hosts_file, hosts + "\n");
  WriteWholeFile(resolver_file, resolver + "\n");
  if (agent.Settings().server_host == kCentreName) return;
  agent.Settings().server_host = kCentreName;
  std::vector<std::string>& launcher = agent.Settings().launcher;
  for (const std::string& word :
       {std::string("unshare"), std::string("--mount"), std::string("sh"), std::string("-ec"),
        std::string(
            R"(mount --bind "$1" /etc/hosts; mount --bind "$2" /etc/resolv.conf; shift 2; exec "$@")"),
        std::string("sh"), hosts_file.string(), resolver_file.string()}) {
    launcher.push_back(word);
  }
}

void NetworkRig::UseTls() {
  const TestCertificate tls(directory_.Path() / "tls", std::string("DNS:") + kCentreName);
  centre.Settings().tls_listen = "0.0.0.0:" + std::to_string(kTlsPort);
  centre.Settings().tls_certificate = tls.certificate;
  centre.Settings().tls_key = tls.key;
  agent.Settings().server_port = kTlsPort;
  agent.Settings().uplink_lines = {"tls = true", "ca_file = \"" + tls.certificate.string() + "\""};
}

int NetworkRig::StreamsAtCentre() const {
  const std::string port = std::to_string(kPort);
  const CommandOutcome status = RunCommand(
      "nsenter", {"--net=" + side_.Path(), kIngestdProgram, "status", "--server", "127.0.0.1:" + port});
  INFO(status.errors);
  REQUIRE(status.status.Clean());
  const std::string key = "connected streams";
  const std::size_t place = status.output.find(key);
  INFO(status.output);
  REQUIRE(place != std::string::npos);
  return std::stoi(status.output.substr(place + key.size()));
}

}  // namespace tillwire
