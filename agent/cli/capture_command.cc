#include "agent/cli/capture_command.h"

#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "agent/cli/agent_transport.h"
#include "core/uuid.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"
#include "proto/json_codec.h"
#include "proto/utf8_check.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::size_t kMaxInputBytes = 1U << 20U;

struct CommandText {
  const char* name;
  const char* description;
  const char* example;
};

CommandText TextOf(CaptureKind kind) {
  if (kind == CaptureKind::kCancellation) {
    return {
        "cancel", "Record that an order, or lines of it, was cancelled",
        "Example:\n"
        "  tillwire cancel --operator-id 117 --order-id 100023 --scope lines --line sku=4711,quantity=1 \\\n"
        "    --initiator customer --reason customer-request --release-policy on-put-back\n"};
  }
  return {
      "clear-bin", "Record that a staging bin was cleared",
      "Example:\n"
      "  tillwire clear-bin --operator-id 117 --staging-location-id A-07 --clear-reason order-cancelled \\\n"
      "    --order-id 100023 --line sku=4711,counted-quantity=1,disposition=sellable "
      "--bin-empty-confirmed\n"};
}

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

// A whole file, or standard input for "-".
Result<std::string> ReadInput(const std::string& name) {
  std::ifstream file;
  if (name != "-") {
    errno = 0;
    file.open(name, std::ios::binary);
    if (!file)
      return Invalid("cannot read " + name + ": " + std::generic_category().message(errno), "check --json");
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::string text(kMaxInputBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxInputBytes)
    return Invalid("the input has more than 1 MiB", "an event may have 64 KiB");
  return text;
}

// The request must say what the command is for.
Result<void> CheckBody(const v1::CaptureEventRequest& request, CaptureKind kind) {
  if (kind == CaptureKind::kCancellation && request.has_staging_bin_clear()) {
    return Invalid("the input has a staging_bin_clear", "use tillwire clear-bin for it");
  }
  if (kind == CaptureKind::kBinClear && request.has_order_cancellation()) {
    return Invalid("the input has an order_cancellation", "use tillwire cancel for it");
  }
  return {};
}

std::string RandomKey() {
  SystemRng rng;
  return UuidGenerator(rng).Make(SystemClock().WallNow()).ToString();
}

const char* OutcomeWord(ExitCode code) {
  switch (code) {
    case ExitCode::kDone:
      return "recorded";
    case ExitCode::kRefused:
      return "refused";
    case ExitCode::kBadInput:
      return "bad_input";
    case ExitCode::kNotRecorded:
      return "not_recorded";
    case ExitCode::kUnknown:
      return "unknown";
  }
  return "unknown";
}

ExitCode ReportError(const Error& error, const std::string& key, bool as_json) {
  const ExitCode code = ExitCodeFor(error.code);
  if (as_json) {
    nlohmann::ordered_json out = {{"outcome", OutcomeWord(code)},
                                  {"code", ErrorCodeName(error.code)},
                                  {"message", error.message},
                                  {"hint", error.hint},
                                  {"idempotency_key", key}};
    // What the caller wrote may be quoted in the message, and need not be UTF-8.
    std::cout << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return code;
  }
  const std::string prefix = "not recorded: ";
  switch (code) {
    case ExitCode::kUnknown:
      std::cerr << "unknown whether it is recorded: " << error.message
                << "\nRepeat the same command with: --idempotency-key " << key << "\n";
      break;
    case ExitCode::kDone:
    case ExitCode::kRefused:
    case ExitCode::kBadInput:
    case ExitCode::kNotRecorded:
      std::cerr << (error.message.starts_with(prefix) ? "" : prefix) << error.Text() << "\n";
  }
  return code;
}

ExitCode ReportRecorded(const v1::CaptureEventResponse& response, const std::string& key, bool as_json) {
  if (as_json) {
    nlohmann::ordered_json out = {{"outcome", OutcomeWord(ExitCode::kDone)}};
    out.update(nlohmann::ordered_json::parse(ToJson(response, JsonLayout::kOneLine)));
    out["idempotency_key"] = key;
    std::cout << out.dump() << "\n";
  } else if (response.repeated()) {
    std::cout << "already recorded " << response.event_id() << " (sequence " << response.sequence()
              << "): this idempotency key was captured before\n";
  } else {
    std::cout << "recorded " << response.event_id() << " (sequence " << response.sequence() << ")\n";
  }
  return ExitCode::kDone;
}

}  // namespace

CaptureCommand::CaptureCommand(CLI::App& app, const ConnectionOptions& connection, CaptureKind kind)
    : connection_(connection),
      kind_(kind),
      command_(*app.add_subcommand(TextOf(kind).name, TextOf(kind).description)),
      flags_(command_, kind) {
  command_
      .add_option("--json", json_input_,
                  "A CaptureEventRequest as JSON, from a file or standard input (-),\n"
                  "in place of the flags below; the answer is JSON too")
      ->type_name("FILE|-");
  command_.add_option("--idempotency-key", key_,
                      "Makes a repeat safe: the same key and content give the first capture again;\n"
                      "random if not given");
  command_.add_option("--output", output_, "text or json")->check(CLI::IsMember({"text", "json"}));
  command_.footer(std::string(TextOf(kind).example) + "\n--socket and --timeout: see tillwire --help");
}

Result<std::string> CaptureCommand::Document() const {
  if (json_input_.empty()) {
    const auto flags = flags_.Document();
    if (!flags) return flags.error();
    return flags->dump();
  }
  if (const auto flag = flags_.AnyGiven(); !flag.empty()) {
    return Invalid(flag + " and --json are both given", "give the event by one of them");
  }
  return ReadInput(json_input_);
}

Result<void> CaptureCommand::MakeRequest(v1::CaptureEventRequest& request) const {
  if (!IsUtf8(key_)) return Invalid("--idempotency-key is not valid UTF-8", "give another");
  const auto document = Document();
  if (!document) return document.error();
  if (auto parsed = ParseJson(*document, request); !parsed) return parsed;
  if (auto checked = CheckBody(request, kind_); !checked) return checked;
  if (!key_.empty() && !request.idempotency_key().empty() && request.idempotency_key() != key_) {
    return Invalid("the input has another idempotency_key than --idempotency-key", "give one of them");
  }
  if (!key_.empty()) request.set_idempotency_key(key_);
  if (request.idempotency_key().empty()) request.set_idempotency_key(RandomKey());
  if (request.source() == v1::EVENT_SOURCE_UNSPECIFIED) request.set_source(v1::EVENT_SOURCE_CLI);
  return {};
}

ExitCode CaptureCommand::Run() const {
  const bool as_json = output_ == "json" || (output_.empty() && !json_input_.empty());
  v1::CaptureEventRequest request;
  if (auto made = MakeRequest(request); !made) return ReportError(made.error(), key_, as_json);
  const std::string& key = request.idempotency_key();
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportError(agent.error(), key, as_json);
  v1::CaptureEventResponse response;
  if (auto captured = agent->CaptureEvent(request, response); !captured) {
    return ReportError(captured.error(), key, as_json);
  }
  return ReportRecorded(response, key, as_json);
}

}  // namespace tillwire
