// The tillwire program: its exit codes, its words, and the event that it makes of flags or JSON.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "platform/spool_folder.h"
#include "proto/event_codec.h"
#include "tests/agent/capture/capture_rig.h"
#include "tests/support/process.h"

namespace tillwire {
namespace {

const std::vector<std::string> kCancel = {"cancel",
                                          "--operator-id",
                                          "117",
                                          "--order-id",
                                          "100023",
                                          "--scope",
                                          "lines",
                                          "--line",
                                          "sku=4711,quantity=2",
                                          "--initiator",
                                          "customer",
                                          "--reason",
                                          "customer-request",
                                          "--release-policy",
                                          "on-put-back"};

constexpr const char* kCancelJson = R"({"operator_id":"117","order_cancellation":{"order_id":"100023",
  "scope":"WHOLE_ORDER","initiator":"CUSTOMER","reason":"fraud","release_policy":"NONE"}})";

CommandOutcome Tillwire(std::vector<std::string> arguments, const std::string& input = {}) {
  return RunCommand(TILLWIRE_PROGRAM, arguments, input);
}

class CliRig : protected CaptureRig {
 protected:
  CommandOutcome Run(std::vector<std::string> arguments, const std::vector<std::string>& more = {},
                     const std::string& input = {}) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--socket", Socket()});
    return Tillwire(arguments, input);
  }

  Event OnlyEvent() {
    const auto stored = store.Stored();
    REQUIRE(stored.size() == 1);
    auto event = DecodeEvent(stored[0].event);
    REQUIRE(event.ok());
    return std::move(event).value();
  }
};

TEST_CASE_METHOD(CliRig, "A cancellation is made of its flags, every field") {
  const auto outcome = Run(kCancel, {"--line",
                                     "line-id=2,gtin=4006381333931,quantity=1,reservation-id=R=1",
                                     "--fulfillment-order-id",
                                     "F-1",
                                     "--external-order-id",
                                     "storefront=GB-1",
                                     "--external-order-id",
                                     "erp=7",
                                     "--retailer-reason-code",
                                     "C7",
                                     "--note",
                                     "caf\xC3\xA9, no",
                                     "--prior-state",
                                     "ready-for-pickup",
                                     "--staging-location-id",
                                     "A-07",
                                     "--staging-location-id",
                                     "A-08",
                                     "--approver-operator-id",
                                     "9",
                                     "--occur-time",
                                     "2026-05-04T14:02:00+02:00",
                                     "--business-day-date",
                                     "2026-05-04",
                                     "--transaction-sequence-number",
                                     "T-1",
                                     "--traceparent",
                                     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                     "--idempotency-key",
                                     "key-1"});
  INFO(outcome.errors);
  REQUIRE(outcome.status.code == 0);
  const Event event = OnlyEvent();
  CHECK(outcome.output == "recorded " + event.event_id + " (sequence 1)\n");
  const auto& request = event.request;
  CHECK(request.idempotency_key == "key-1");
  CHECK(request.operator_id == "117");
  CHECK(request.approver_operator_id == "9");
  CHECK(request.occur_time == FromMicros(1'777'896'120'000'000));
  CHECK(request.business_day_date == "2026-05-04");
  CHECK(request.transaction_sequence_number == "T-1");
  CHECK(request.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  CHECK(request.source == EventSource::kCli);
  const auto& body = std::get<OrderCancellation>(request.body);
  CHECK(body.order_id == "100023");
  CHECK(body.fulfillment_order_id == "F-1");
  CHECK(body.external_order_ids == std::map<std::string, std::string>{{"storefront", "GB-1"}, {"erp", "7"}});
  CHECK(body.scope == CancellationScope::kLines);
  REQUIRE(body.lines.size() == 2);
  CHECK(body.lines[0].sku == "4711");
  CHECK(body.lines[0].quantity == 2);
  CHECK(body.lines[1].line_id == "2");
  CHECK(body.lines[1].gtin == "4006381333931");
  CHECK(body.lines[1].reservation_id == "R=1");
  CHECK(body.initiator == CancellationInitiator::kCustomer);
  CHECK(body.reason == CancellationReason::kCustomerRequest);
  CHECK(body.retailer_reason_code == "C7");
  CHECK(body.note == "caf\xC3\xA9, no");
  CHECK(body.prior_state == FulfillmentState::kReadyForPickup);
  CHECK(body.release_policy == ReleasePolicy::kOnPutBack);
  CHECK(body.staging_location_ids == std::vector<std::string>{"A-07", "A-08"});
}

TEST_CASE_METHOD(CliRig, "A bin clear is made of its flags, every field") {
  const auto outcome = Run({"clear-bin",
                            "--operator-id",
                            "117",
                            "--staging-location-id",
                            "A-07",
                            "--container-id",
                            "tote-1",
                            "--container-id",
                            "tote-2",
                            "--order-id",
                            "100023",
                            "--fulfillment-order-id",
                            "F-1",
                            "--cancellation-event-id",
                            "01980000-0000-7000-8000-000000000001",
                            "--clear-reason",
                            "audit-correction",
                            "--bin-empty-confirmed",
                            "--line",
                            "line-id=1,sku=4711,gtin=4006381333931,expected-quantity=2,counted-quantity=1,"
                            "disposition=non-sellable,destination-location-id=SALES"});
  INFO(outcome.errors);
  REQUIRE(outcome.status.code == 0);
  const Event event = OnlyEvent();
  CHECK_FALSE(event.request.idempotency_key.empty());
  const auto& body = std::get<StagingBinClear>(event.request.body);
  CHECK(body.staging_location_id == "A-07");
  CHECK(body.container_ids == std::vector<std::string>{"tote-1", "tote-2"});
  CHECK(body.order_id == "100023");
  CHECK(body.fulfillment_order_id == "F-1");
  CHECK(body.cancellation_event_id == "01980000-0000-7000-8000-000000000001");
  CHECK(body.clear_reason == ClearReason::kAuditCorrection);
  CHECK(body.bin_empty_confirmed);
  REQUIRE(body.lines.size() == 1);
  CHECK(body.lines[0].expected_quantity == 2);
  CHECK(body.lines[0].counted_quantity == 1);
  CHECK(body.lines[0].disposition == GoodsDisposition::kNonSellable);
  CHECK(body.lines[0].destination_location_id == "SALES");
}

TEST_CASE_METHOD(CliRig, "A request in JSON is recorded and answered in JSON") {
  const auto outcome = Run({"cancel", "--json", "-"}, {}, kCancelJson);
  INFO(outcome.errors << outcome.output);
  REQUIRE(outcome.status.code == 0);
  const auto answer = nlohmann::json::parse(outcome.output);
  const Event event = OnlyEvent();
  CHECK(answer["outcome"] == "recorded");
  CHECK(answer["event_id"] == event.event_id);
  CHECK(answer["sequence"] == "1");
  CHECK(answer["repeated"] == false);
  CHECK(answer["idempotency_key"] == event.request.idempotency_key);
  CHECK(std::get<OrderCancellation>(event.request.body).reason == CancellationReason::kFraud);
  CHECK(event.request.source == EventSource::kCli);
}

TEST_CASE_METHOD(CliRig, "A repeat says that it is one") {
  REQUIRE(Run(kCancel, {"--idempotency-key", "k"}).status.code == 0);
  const auto repeat = Run(kCancel, {"--idempotency-key", "k"});
  CHECK(repeat.status.code == 0);
  CHECK_THAT(repeat.output, Catch::StartsWith("already recorded "));
  const auto other = Run(kCancel, {"--idempotency-key", "k", "--note", "other"});
  CHECK(other.status.code == 1);
  CHECK(other.errors == "not recorded: the key was used for another event; use another key\n");
}

TEST_CASE("While no agent listens nothing is recorded, and the remedy is told") {
  const TempDirectory directory;
  const std::string socket = (directory.Path() / "none.sock").string();
  std::vector<std::string> arguments = kCancel;
  arguments.insert(arguments.end(), {"--socket", socket});
  const auto outcome = Tillwire(arguments);
  CHECK(outcome.status.code == 3);
  CHECK(outcome.errors == "not recorded: the agent is not running (nobody listens at " + socket +
                              "); start it: systemctl start tillwired; or name its socket with --socket; or "
                              "record into its spool: --spool\n");
  CHECK(Tillwire({"status", "--socket", socket}).status.code == 3);
  CHECK(Tillwire({"requeue", "01980000-0000-7000-8000-000000000001", "--socket", socket}).status.code == 3);
}

TEST_CASE("While no agent listens a capture goes into its spool") {
  const TempDirectory directory;
  const std::string spool = (directory.Path() / "spool").string();
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = kCancel;
    arguments.insert(arguments.end(),
                     {"--socket", (directory.Path() / "none.sock").string(), "--spool", spool});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Tillwire(arguments);
  };
  const auto none = run({});
  CHECK(none.status.code == 3);
  CHECK_THAT(none.errors, Catch::Contains("and its spool can't be used: cannot open " + spool));
  REQUIRE(SpoolFolder::Create(spool).ok());

  const auto recorded = run({"--idempotency-key", "key-1"});
  INFO(recorded.errors);
  REQUIRE(recorded.status.code == 0);
  CHECK_THAT(recorded.output,
             Catch::Matches("spooled [0-9a-f-]{36}: the agent is not running, and records it when it starts\n"
                            "If this key was used before, the agent keeps the first capture, .*; to see: "
                            "tillwire explain [0-9a-f-]{36}\n"));
  const auto repeat = run({"--idempotency-key", "key-1", "--output", "json"});
  REQUIRE(repeat.status.code == 0);
  const auto answer = nlohmann::json::parse(repeat.output);
  CHECK(answer["outcome"] == "spooled");
  CHECK(answer["repeated"] == true);
  CHECK(recorded.output.find(answer["event_id"].get<std::string>()) != std::string::npos);
  CHECK(std::filesystem::exists(answer["path"].get<std::string>()));
  CHECK(run({"--idempotency-key", "key-1", "--note", "other"}).status.code == 1);
  CHECK(run({"--idempotency-key", "key-2", "--note", "card 4111 1111 1111 1111"}).status.code == 2);
  CHECK(run({"--no-spool"}).status.code == 3);
  const auto only = SpoolFolder::Open(spool)->Waiting(10, [](const std::string&) { return true; });
  CHECK(only->total == 1);
  // A key of the command's own was never used before.
  CHECK_THAT(run({}).output, !Catch::Contains("If this key"));
}

TEST_CASE_METHOD(CliRig, "With an agent that listens nothing goes into the spool") {
  const TempDirectory directory;
  const auto spool = SpoolFolder::Create(directory.Path() / "spool");
  REQUIRE(spool.ok());
  const std::vector<std::string> option = {"--spool", spool->Directory().string()};
  CHECK(Run(kCancel, option).status.code == 0);
  store.FailWith({ErrorCode::kUnavailable, "the disk is away", "look at it"});
  CHECK(Run(kCancel, option).status.code == 3);
  CHECK(spool->Waiting(1, [](const std::string&) { return true; })->total == 0);
}

TEST_CASE_METHOD(CliRig, "No room is not recorded, a failing disk is unknown") {
  store.FailWith({ErrorCode::kResourceExhausted, "the outbox is full", "wait until it drains"});
  const auto full = Run(kCancel);
  CHECK(full.status.code == 3);
  CHECK(full.errors == "not recorded: the outbox is full; wait until it drains\n");
  store.FailWith({ErrorCode::kUnknown, "the disk failed", ""});
  const auto unknown = Run(kCancel, {"--idempotency-key", "key-9"});
  CHECK(unknown.status.code == 4);
  CHECK_THAT(unknown.errors, Catch::EndsWith("Repeat the same command with: --idempotency-key key-9\n"));
}

TEST_CASE_METHOD(
    CliRig, "Without an answer in time the outcome is unknown, and repeating with the key told is safe") {
  store.Hold();
  const auto slow = Run(kCancel, {"--timeout", "0.2", "--output", "json"});
  REQUIRE(slow.status.code == 4);
  store.Release();
  const auto answer = nlohmann::json::parse(slow.output);
  CHECK(answer["outcome"] == "unknown");
  const auto repeat = Run(kCancel, {"--idempotency-key", answer["idempotency_key"].get<std::string>()});
  CHECK(repeat.status.code == 0);
  CHECK_THAT(repeat.output, Catch::StartsWith("already recorded "));
  CHECK(store.Stored().size() == 1);
}

TEST_CASE_METHOD(CliRig, "Bad input is told with flag or field, and nothing is recorded") {
  const auto problem = [&](const std::vector<std::string>& more) {
    const auto outcome = Run(kCancel, more);
    CHECK(outcome.status.code == 2);
    return outcome.errors;
  };
  CHECK(problem({"--line", "sku=1,quantity=0"}) ==
        "not recorded: --line number 2: quantity is 0; give a quantity of at least 1\n");
  CHECK(Run({"clear-bin", "--operator-id", "1", "--staging-location-id", "A", "--clear-reason", "relocated",
             "--line", "sku=1,counted-quantity=1"})
            .errors ==
        "not recorded: --line number 1: disposition is required; give sellable, damaged, non-sellable, "
        "quarantine or "
        "missing\n");
  CHECK_THAT(problem({"--line", "sku"}), Catch::Contains("--line has \"sku\"; write it as sku="));
  CHECK_THAT(problem({"--line", "quantity=2x"}), Catch::Contains("quantity=2x; give a whole number"));
  CHECK_THAT(problem({"--line", "sku=1,sku=2"}), Catch::Contains("--line has sku twice"));
  CHECK_THAT(problem({"--line", "skuu=1"}), Catch::Contains("did you mean sku?"));
  CHECK_THAT(problem({"--external-order-id", "x"}), Catch::Contains("--external-order-id has \"x\""));
  CHECK_THAT(problem({"--note", "caf\xE9"}), Catch::Contains("--note is not valid UTF-8"));
  CHECK_THAT(problem({"--prior-state", "gone"}),
             Catch::Contains("--prior-state is \"gone\"; give open, picking, staged or ready-for-pickup"));
  CHECK_THAT(problem({"--occur-time", "noon"}),
             Catch::Contains("--occur-time is \"noon\", which is no time"));
  CHECK(problem({"--order-id", "2"}) ==
        "tillwire: --order-id is given twice; give it once\nSee: tillwire cancel --help\n");
  CHECK_THAT(problem({"--line", "sku=1,quantity=99999999999999"}),
             Catch::Contains("quantity=99999999999999; give a whole number up to 2147483647"));
  CHECK_THAT(problem({"--staging-location-id", ""}),
             Catch::Contains("--staging-location-id number 1 is required"));
  CHECK_THAT(problem({"--external-order-id", "shop=" + std::string(300, 'x')}),
             Catch::Contains("--external-order-id for \"shop\" has 300 bytes"));
  CHECK_THAT(problem({"--nota", "x"}), Catch::Contains("--nota is no option here; did you mean --note?"));
  CHECK_THAT(problem({"--note", "card 4111 1111 1111 1111"}), !Catch::Contains("4111"));
  CHECK(store.Stored().empty());
}

TEST_CASE_METHOD(CliRig, "A flag's problem is told with the flag and its words, whoever found it") {
  const auto problem = [&](const std::vector<std::string>& arguments) {
    const auto outcome = Run(arguments);
    CHECK(outcome.status.code == 2);
    return outcome.errors;
  };
  const std::vector<std::string> whole = {"cancel", "--operator-id",    "1",           "--order-id",
                                          "2",      "--scope",          "whole-order", "--reason",
                                          "fraud",  "--release-policy", "none",        "--initiator"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), whole.begin(), whole.end());
    return more;
  };
  CHECK(problem(with({"c"})) == "not recorded: --initiator is \"c\"; give customer, associate or system\n");
  CHECK(
      problem(with({"customer", "--line", "sku=1"})) ==
      "not recorded: --line is given, but --scope is whole-order; give --scope lines, or leave --line out\n");
  CHECK_THAT(problem({"cancel", "--operator-id", "1", "--order-id", "2"}),
             Catch::Contains("--scope is required; give whole-order or lines"));
  CHECK_THAT(problem({"clear-bin", "--operator-id", "1", "--staging-location-id", "A"}),
             Catch::Contains("--clear-reason is required; give order-cancelled, "));
  CHECK(store.Stored().empty());
}

TEST_CASE_METHOD(CliRig, "Bad JSON is told in JSON") {
  const auto problem = [&](const std::string& command, const std::vector<std::string>& more,
                           const std::string& input) {
    const auto outcome = Run({command, "--json", "-"}, more, input);
    CHECK(outcome.status.code == 2);
    const auto answer = nlohmann::json::parse(outcome.output);
    CHECK(answer["outcome"] == "bad_input");
    return answer["message"].get<std::string>();
  };
  CHECK(problem("cancel", {}, "") == "the input is empty");
  CHECK(problem("cancel", {}, " \n") == "the input is empty");
  CHECK(problem("cancel", {}, "{\"note\":\"caf\xE9\"}") == "the input is not valid UTF-8");
  CHECK(problem("cancel", {}, "{") == "the input is no valid JSON at byte 2");
  CHECK(problem("cancel", {}, R"({"ordr":1})") == "ordr is no field of CaptureEventRequest");
  CHECK(problem("clear-bin", {}, kCancelJson) == "the input has an order_cancellation");
  CHECK(problem("cancel", {"--note", "x"}, kCancelJson) == "--note and --json are both given");
  CHECK(problem("cancel", {}, R"({"operator_id":"1"})") == "body is missing");
  CHECK(problem("cancel", {"--idempotency-key", "a"}, R"({"idempotency_key":"b"})") ==
        "the input has another idempotency_key than --idempotency-key");
  CHECK(problem("cancel", {}, std::string((1U << 20U) + 1, ' ')) == "the input has more than 1 MiB");
  CHECK(store.Stored().empty());
}

TEST_CASE_METHOD(CliRig, "A parked event is requeued") {
  const std::string event = "01980000-0000-7000-8000-000000000001";
  store.SetParked(*Uuid::Parse(event));
  const auto requeued = Run({"requeue", event});
  CHECK(requeued.status.code == 0);
  CHECK(requeued.output == "requeued " + event + " (had been parked: TOO_MANY_LINES)\n");
  const auto absent = Run({"requeue", "01980000-0000-7000-8000-000000000002"});
  CHECK(absent.status.code == 1);
  CHECK_THAT(absent.errors, Catch::StartsWith("not requeued: no event"));
  CHECK(Run({"requeue", "17"}).status.code == 2);
}

TEST_CASE_METHOD(CliRig, "A reason to requeue is known, or some event is parked for it") {
  for (const char* known : {"TOO_MANY_LINES", "too-many-lines", "PARK_REASON_TOO_MANY_LINES"}) {
    const auto none = Run({"requeue", "--reason", known});
    CHECK(none.status.code == 0);
    CHECK(none.output == "requeued 0 events (had been parked: TOO_MANY_LINES)\n");
  }
  const auto mistyped = Run({"requeue", "--reason", "TOO_MANY_LINE"});
  CHECK(mistyped.status.code == 2);
  CHECK(mistyped.errors ==
        "not requeued: no event is parked for TOO_MANY_LINE, which is no known reason; did you mean "
        "TOO_MANY_LINES?\n");
  CHECK_THAT(Run({"requeue", "--reason", "x"}).errors,
             Catch::Contains("give TOO_MANY_LINES, STORE_NOT_ALLOWED, "));
}

TEST_CASE_METHOD(CliRig, "States are taken as the command and as the contract write them") {
  for (const char* state : {"not-in-effect", "NOT_IN_EFFECT", "OUTBOX_EVENT_STATE_NOT_IN_EFFECT"}) {
    INFO(state);
    CHECK(Run({"events", "--state", state}).status.code == 0);
  }
  CHECK(Run({"events", "--state", "gone"}).status.code == 2);
}

TEST_CASE_METHOD(CliRig, "Status is for a shift leader") {
  const WallTime now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  clock.SetWall(now);
  OutboxStatus outbox;
  outbox.pending = 3;
  outbox.parked = 21;
  outbox.oldest_pending = now - std::chrono::minutes(12);
  outbox.epoch = 0x88a2d917967948ff;
  outbox.epoch_ordinal = 2;
  outbox.max_bytes = 2ULL << 30;
  ParkedEvent parked;
  parked.lane = "order:100023";
  parked.reason = "TOO_MANY_LINES";
  parked.detail = "600 lines";
  parked.parked_at = now - std::chrono::hours(3);
  outbox.parked_events = {parked};
  LostRange lost;
  lost.tombstone = {1, 4, 5, TombstoneKind::kLost, std::nullopt, std::nullopt, "restored from an older copy"};
  outbox.lost_ranges = {lost};
  outbox.incidents = {{now, "a new epoch was begun"}};
  store.SetStatus(outbox);
  UplinkStatus uplink;
  uplink.server = "127.0.0.1:7400";
  uplink.next_attempt = now + std::chrono::minutes(5);
  uplink.last_error = "connection refused";
  uplink.remedy = "check that the centre runs";
  uplink.last_error_time = now - std::chrono::minutes(2);
  uplink.failed_attempts = 4;
  SetUplink(uplink);
  SetSpool({3,
            now - std::chrono::minutes(7),
            {21, {{"1-a", "it is empty; write it"}}},
            true,
            "the outbox is full"});

  const auto away = Run({"status"});
  CHECK(away.status.code == 0);
  for (const char* expected :
       {"Terminal till-3 of store 0042, tillwired 9.8.7\n",
        "not connected to 127.0.0.1:7400; next attempt in ", "failed attempts: 4\n",
        "last error  connection refused, 2 min ago\n", "what to do  check that the centre runs\n",
        "pending     3, oldest 12 min\n", "parked      21\n", "(the oldest 1 of 21)",
        "TOO_MANY_LINES: 600 lines", "to do: raise acceptance.max_lines at the centre",
        "sequences 4 to 5: restored from an older copy (the centre does not know yet)",
        "a new epoch was begun\n",
        "spool       3 files wait, the first for 7 min; captures of the same orders wait behind them\n",
        "in its way  the outbox is full\n",
        "Set aside from the spool into bad/: 21 files, which are not recorded\n  1-a\n    it is empty; write "
        "it\n  "
        "...\n    to do: correct a file and move it to new/"}) {
    CHECK_THAT(away.output, Catch::Contains(expected));
  }

  uplink = {};
  uplink.state = UplinkState::kConnected;
  uplink.server = "127.0.0.1:7400";
  uplink.connected_since = now - std::chrono::minutes(61);
  SetUplink(uplink);
  CHECK_THAT(Run({"status"}).output,
             Catch::Contains("connected to 127.0.0.1:7400 since ") && Catch::Contains("(1 h 1 min)"));
  const auto json = nlohmann::json::parse(Run({"status", "--json"}).output);
  CHECK(json["outbox"]["pending"] == "3");
  CHECK(json["outbox"]["epoch"] == "88a2d917967948ff");
  CHECK(json["lost_ranges"][0]["epoch"] == "0000000000000001");
  CHECK(json["connection"]["state"] == "CONNECTION_STATE_CONNECTED");
}

TEST_CASE("A configuration is checked without starting anything") {
  const TempDirectory directory;
  const std::string path = (directory.Path() / "agent.toml").string();
  const auto check = [&](const std::string& content, const std::vector<std::string>& more = {}) {
    WriteWholeFile(path, content);
    std::vector<std::string> arguments = {"config", "check", "--config", path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Tillwire(arguments);
  };
  const std::string right = "[terminal]\nstore_id = '1'\nterminal_id = 't'\n[outbox]\ndirectory = '" +
                            directory.Path().string() + "'\n[capture]\nsocket = '/none/x/capture.sock'\n";
  const auto ok = check(right);
  CHECK(ok.status.code == 0);
  CHECK_THAT(ok.output, Catch::StartsWith(path + ": OK\n  terminal.store_id "));
  CHECK_THAT(ok.output, Catch::Contains("= \"1\"\n") && Catch::Contains("= \"2m\"  (default)\n") &&
                            Catch::Contains("warning: capture.socket: /none/x does not exist; "));
  const auto json = nlohmann::json::parse(check(right, {"--json"}).output);
  CHECK(json["ok"] == true);
  CHECK(json["settings"][0]["key"] == "terminal.store_id");
  CHECK(json["settings"][0]["default"] == false);
  CHECK(json["warnings"].size() == 1);

  const auto wrong = check("[terminal]\nstore_id = ' 1'\nterminal_id = 't'\n[uplink]\nserver = 'x'\n");
  CHECK(wrong.status.code == 2);
  CHECK(wrong.output.empty());
  CHECK(wrong.errors ==
        path + ": terminal.store_id begins or ends with a space, or has a control character; remove it\n" +
            path + ": uplink.server is \"x\"; give host:port, as \"ingest.example.com:7400\"\n");
  const auto wrong_json = check("[terminal]\nstore_id = '1'\nterminal = 't'\n", {"--json"});
  CHECK(wrong_json.status.code == 2);
  CHECK(nlohmann::json::parse(wrong_json.output)["problems"].size() == 2);
  CHECK_THAT(Tillwire({"config", "check", "--config", "/none/x"}).errors, Catch::Contains("--config FILE"));
}

TEST_CASE("The command line explains itself") {
  CHECK(Tillwire({"--help"}).status.code == 0);
  CHECK(Tillwire({"cancel", "--help"}).status.code == 0);
  CHECK_THAT(Tillwire({"clear-bin", "--help"}).output, Catch::Contains("quarantine"));
  CHECK_THAT(Tillwire({"--version"}).output, Catch::StartsWith("tillwire "));
  CHECK(Tillwire({}).status.code == 2);
  const auto mistyped = Tillwire({"cancle"});
  CHECK(mistyped.status.code == 2);
  CHECK_THAT(mistyped.errors, Catch::Contains("did you mean cancel?"));
}

}  // namespace
}  // namespace tillwire
