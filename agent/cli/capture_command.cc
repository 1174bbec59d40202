#include "agent/cli/capture_command.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <thread>

#include "agent/cli/agent_transport.h"
#include "agent/cli/spool_transport.h"
#include "core/text.h"
#include "core/uuid.h"
#include "platform/system_clock.h"
#include "platform/system_rng.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::size_t kMaxInputBytes = 1U << 20U;
// An agent that is stopping still answers, for about as long. Then there is none, or another.
constexpr std::chrono::seconds kStoppingTime{2};
constexpr std::chrono::milliseconds kStoppingPoll{200};

CommandText TextOf(CaptureKind kind) {
  CommandText text;
  if (kind == CaptureKind::kCancellation) {
    text.name = "cancel";
    text.summary = "Record that an order, or lines of it, was cancelled";
    text.examples = {{"",
                      "tillwire cancel --operator-id 117 --order-id 100023 \\\n"
                      "  --scope lines --line sku=4711,quantity=1 \\\n"
                      "  --initiator customer --reason customer-request \\\n"
                      "  --release-policy on-put-back"}};
  } else {
    text.name = "clear-bin";
    text.summary = "Record that a staging bin was cleared";
    text.examples = {{"",
                      "tillwire clear-bin --operator-id 117 --staging-location-id A-07 \\\n"
                      "  --clear-reason order-cancelled --order-id 100023 \\\n"
                      "  --line sku=4711,counted-quantity=1,disposition=sellable \\\n"
                      "  --bin-empty-confirmed"}};
  }
  text.description =
      "The event is given by options, one for each of its fields, or as JSON. \"recorded\" means that it is "
      "on "
      "this terminal's disk and will reach the centre.";
  text.description +=
      " While the agent is down the command writes the event into the agent's spool, a folder, and says "
      "\"spooled\": it is on disk, and the agent records it when it starts, unless its key was used before "
      "for something else. docs/spool-format.md.";
  text.exit_statuses = {
      {Code(ExitCode::kDone), "recorded, or already recorded under this key; or spooled"},
      {Code(ExitCode::kRefused), "refused: the idempotency key was used for another event"},
      {Code(ExitCode::kBadInput), "bad input; the message names the option or field, and the remedy"},
      {Code(ExitCode::kNotRecorded), "not recorded: neither the agent nor its spool could store it"},
      {Code(ExitCode::kUnknown), "unknown; repeat the command with the key that is told"}};
  return text;
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
    // A folder opens, and then gives nothing.
    std::error_code ignored;
    const int problem = std::filesystem::is_directory(name, ignored) ? EISDIR : file ? 0 : errno;
    if (problem != 0)
      return Invalid("cannot read " + name + ": " + std::generic_category().message(problem), "check --json");
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::string text(kMaxInputBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxInputBytes)
    return Invalid("the input has more than 1 MiB", "an event may have 64 KiB");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return Invalid("the input is empty", "give a CaptureEventRequest as JSON; see docs/integrate");
  if (!IsUtf8(text)) return Invalid("the input is not valid UTF-8", "write it as UTF-8, as JSON asks");
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

// `key_is_new`: nobody can have used it before.
ExitCode ReportSpooled(const Spooled& spooled, const std::string& key, bool key_is_new, bool as_json) {
  if (as_json) {
    nlohmann::ordered_json out = {{"outcome", "spooled"},
                                  {"event_id", spooled.event_id},
                                  {"repeated", spooled.repeated},
                                  {"path", spooled.path.string()},
                                  {"idempotency_key", key}};
    if (spooled.event_id.empty()) out["event_id"] = nullptr;
    std::cout << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
    return ExitCode::kDone;
  }
  const std::string event = spooled.event_id.empty() ? "" : " " + spooled.event_id;
  if (spooled.repeated) {
    std::cout << "already spooled" << event << ": this idempotency key waits in " << spooled.path.string()
              << "\n";
  } else {
    std::cout << "spooled" << event << ": the agent is not running, and records it when it starts\n";
  }
  // What the agent knows of the key can't be known here.
  if (!key_is_new) {
    std::cout
        << "If this key was used before, the agent keeps the first capture, and sets this one aside if it is "
           "another action";
    std::cout << (event.empty() ? "" : "; to see: tillwire explain") << event << "\n";
  }
  return ExitCode::kDone;
}

// There is no agent, and nobody said where its spool is.
Error UnknownSpoolError(Error agent) {
  agent.hint += "; or record into its spool: --spool";
  return agent;
}

// There is no agent, and no spool either.
Error NoSpoolError(const Error& agent, const Error& spool) {
  return {spool.code, agent.message + ", and its spool can't be used: " + spool.message,
          spool.hint + "; or start the agent: systemctl start tillwired"};
}

}  // namespace

CaptureCommand::CaptureCommand(CommandLine& line, const ConnectionOptions& connection, CaptureKind kind)
    : Command(line.Add(TextOf(kind))), connection_(connection), kind_(kind), flags_(line, App(), kind) {
  App()
      .add_option("--json", json_input_,
                  "A CaptureEventRequest as JSON, from a file or standard input (-), in place of the options "
                  "above; the answer is JSON too")
      ->type_name("FILE|-");
  App()
      .add_option("--idempotency-key", key_,
                  "Makes a repeat safe: the same key and content give the first capture again; random if not "
                  "given")
      ->type_name("KEY");
  App().add_flag("--no-spool", no_spool_,
                 "Record nothing while the agent is down, instead of writing into its spool");
  line.AddChoice(App(), "--output", output_, {"text", "json"}, "How to answer: text or json")
      ->type_name("FORMAT");
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
  if (request.source() == v1::EVENT_SOURCE_UNSPECIFIED) request.set_source(v1::EVENT_SOURCE_CLI);
  return {};
}

Error CaptureCommand::AsGiven(const Error& error) const {
  return json_input_.empty() ? flags_.InFlagTerms(error) : error;
}

ExitCode CaptureCommand::Capture() const {
  const bool as_json = output_ == "json" || (output_.empty() && !json_input_.empty());
  v1::CaptureEventRequest request;
  if (auto made = MakeRequest(request); !made) return ReportError(AsGiven(made.error()), key_, as_json);
  const bool key_is_new = request.idempotency_key().empty();
  if (key_is_new) request.set_idempotency_key(RandomKey());
  const std::string& key = request.idempotency_key();
  const std::string directory = no_spool_ ? "" : connection_.Spool();
  const auto give_up = std::chrono::steady_clock::now() + kStoppingTime;
  while (true) {
    // Where an agent is found nothing is written, so this attempt needs no lock, and does not wait for who
    // may hold it. That nobody listens counts only if it is found with the lock held, which is then kept
    // until the file is written: see SpoolLock.
    bool nobody = false;
    auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout(), nobody);
    if (!agent && nobody && !directory.empty()) {
      auto spool = SpoolTransport::Open(directory);
      agent = AgentTransport::Connect(connection_.socket, connection_.Timeout(), nobody);
      if (!agent && nobody) {
        if (!spool) return ReportError(NoSpoolError(agent.error(), spool.error()), key, as_json);
        const auto spooled = spool->CaptureEvent(request);
        if (!spooled) return ReportError(AsGiven(spooled.error()), key, as_json);
        return ReportSpooled(*spooled, key, key_is_new, as_json);
      }
    }
    if (!agent) {
      const bool unknown_spool = nobody && !no_spool_;
      return ReportError(unknown_spool ? UnknownSpoolError(agent.error()) : agent.error(), key, as_json);
    }
    v1::CaptureEventResponse response;
    const auto captured = agent->CaptureEvent(request, response);
    if (captured) return ReportRecorded(response, key, as_json);
    const bool may_be_stopping = captured.error().code == ErrorCode::kUnavailable && !directory.empty();
    if (!may_be_stopping || std::chrono::steady_clock::now() > give_up) {
      return ReportError(AsGiven(captured.error()), key, as_json);
    }
    std::this_thread::sleep_for(kStoppingPoll);
  }
}

}  // namespace tillwire
