#include "ingest/cli/events_command.h"

#include <grpcpp/grpcpp.h>

#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/epoch.h"
#include "core/hash.h"
#include "ingest/cli/connection.h"
#include "ingest/cli/time_text.h"
#include "platform/command_line/option_types.h"
#include "proto/grpc_error.h"
#include "proto/json_codec.h"
#include "tillwire/v1/event.pb.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {
namespace {

std::string Hex(const std::string& hash) {
  const auto parsed = Hash::FromBytes(hash);
  return parsed ? parsed->ToHex() : "";
}

// "ACCEPTED", "REAPPEARED", "TOMBSTONE".
std::string KindName(v1::LedgerEntryKind kind) {
  constexpr std::string_view kPrefix = "LEDGER_ENTRY_KIND_";
  const std::string name = v1::LedgerEntryKind_Name(kind);
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : std::to_string(static_cast<int>(kind));
}

// How it came.
const char* Via(const v1::LedgerEntry& entry) {
  return entry.export_id().empty() ? "stream" : "import";
}

std::optional<v1::StoreEvent> ParseEvent(const v1::LedgerEntry& entry) {
  v1::StoreEvent event;
  if (entry.event().empty() || !event.ParseFromString(entry.event())) return std::nullopt;
  return event;
}

class Printer {
 public:
  virtual ~Printer() = default;
  virtual void Print(const v1::LedgerEntry& entry) = 0;
};

class JsonPrinter final : public Printer {
 public:
  void Print(const v1::LedgerEntry& entry) override {
    nlohmann::ordered_json line;
    line["position"] = entry.position();
    line["kind"] = KindName(entry.kind());
    line["received_time"] = TimeText(entry.received_time());
    line["store_id"] = entry.store_id();
    line["terminal_id"] = entry.terminal_id();
    line["epoch"] = EpochName(entry.epoch());
    line["sequence"] = entry.sequence();
    line["last_sequence"] = entry.last_sequence();
    line["via"] = Via(entry);
    if (!entry.export_id().empty()) line["export_id"] = entry.export_id();
    line["lane"] = entry.lane();
    line["previous_hash"] = Hex(entry.previous_hash());
    line["hash"] = Hex(entry.hash());
    if (entry.kind() == v1::LEDGER_ENTRY_KIND_TOMBSTONE) {
      line["cause"] = entry.cause();
    } else {
      line["content_sha256"] = Sha256(entry.event()).ToHex();
      const auto event = ParseEvent(entry);
      line["event"] = event ? nlohmann::ordered_json::parse(ToJson(*event, JsonLayout::kOneLine)) : nullptr;
    }
    std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  }
};

// Columns of a fixed width: with --follow nobody knows what is yet to come.
class TablePrinter final : public Printer {
 public:
  TablePrinter() {
    Row("POSITION", "RECEIVED", "STORE", "TERMINAL", "SEQUENCE", "VIA", "KIND", "LANE", "EVENT");
  }

  void Print(const v1::LedgerEntry& entry) override {
    const bool is_tombstone = entry.kind() == v1::LEDGER_ENTRY_KIND_TOMBSTONE;
    std::string sequence = std::to_string(entry.sequence());
    if (entry.last_sequence() != entry.sequence()) sequence += "-" + std::to_string(entry.last_sequence());
    const auto event = ParseEvent(entry);
    Row(std::to_string(entry.position()), TimeText(entry.received_time()), entry.store_id(),
        entry.terminal_id(), sequence, Via(entry), What(entry, event), is_tombstone ? "-" : entry.lane(),
        is_tombstone ? entry.cause() : (event ? event->event_id() : "unreadable"));
  }

 private:
  // What kind of entry it is, in a word; an event in effect is named by its body.
  static std::string What(const v1::LedgerEntry& entry, const std::optional<v1::StoreEvent>& event) {
    switch (entry.kind()) {
      case v1::LEDGER_ENTRY_KIND_TOMBSTONE:
        return "tombstone";
      case v1::LEDGER_ENTRY_KIND_REAPPEARED:
        return "reappeared";
      default:
        break;
    }
    if (event && event->has_order_cancellation()) return "cancellation";
    if (event && event->has_staging_bin_clear()) return "bin-clear";
    return "unknown";
  }

  static void Row(const std::string& position, const std::string& time, const std::string& store,
                  const std::string& terminal, const std::string& sequence, const std::string& via,
                  const std::string& kind, const std::string& lane, const std::string& event) {
    std::cout << std::left << std::setw(9) << position << " " << std::setw(27) << time << " " << std::setw(10)
              << store << " " << std::setw(12) << terminal << " " << std::setw(9) << sequence << " "
              << std::setw(6) << via << " " << std::setw(12) << kind << " " << std::setw(24) << lane << " "
              << event << "\n";
  }
};

}  // namespace

EventsCommand::EventsCommand(CommandLine& line)
    : Command(line.Add(
          {"events",
           "List what arrived, in the order of commit",
           "An entry is an event in effect, a tombstone (sequences that a terminal gave up), or an event "
           "that reappeared after its sequence had been given up and is not in effect. VIA says whether it "
           "came on "
           "the terminal's stream or was imported from a file.",
           {{kExitDone, "done"},
            {kExitFailed, "the service refused, or stopped in the middle"},
            {kExitBadInput, "bad input"},
            {kExitUnreachable, "no service answers"}},
           {{"What has arrived, and what arrives", "tillwire-ingestd events --follow"},
            {"The orders that one store cancelled",
             "tillwire-ingestd events --store 0042 --json | \\\n"
             "  jq -r '.event.order_cancellation.order_id // empty'"}}})) {
  App().add_flag("-f,--follow", follow_, "Go on with what arrives, until interrupted");
  App().add_flag("--json", json_, "One JSON object a line, with the event decoded");
  AddWholeNumber(App(), "--after", after_, "Begin after this position")->type_name("POSITION");
  AddWholeNumber(App(), "--limit", limit_, "End after so many; 0 is no limit")->default_str("0");
  App().add_option("--store", store_, "Only this store")->type_name("ID");
  App().add_option("--terminal", terminal_, "Only this terminal")->type_name("ID");
  AddServerOption(App(), server_);
}

int EventsCommand::Run() const {
  const auto channel = Connect(server_);
  if (!channel) {
    PrintError(channel.error());
    return kExitUnreachable;
  }
  v1::ListLedgerEntriesRequest request;
  request.set_after_position(after_);
  request.set_limit(limit_);
  request.set_follow(follow_);
  request.set_store_id(store_);
  request.set_terminal_id(terminal_);

  std::unique_ptr<Printer> printer;
  if (json_) {
    printer = std::make_unique<JsonPrinter>();
  } else {
    printer = std::make_unique<TablePrinter>();
  }
  grpc::ClientContext context;
  const auto stub = v1::OperationsService::NewStub(*channel);
  const auto reader = stub->ListLedgerEntries(&context, request);
  v1::ListLedgerEntriesResponse response;
  if (follow_) std::cout.flush();
  while (reader->Read(&response)) {
    printer->Print(response.entry());
    if (follow_) std::cout.flush();
    // Whoever reads our output has enough.
    if (!std::cout) context.TryCancel();
  }
  const grpc::Status status = reader->Finish();
  if (!std::cout) return kExitFailed;
  std::cout.flush();
  if (status.ok()) return kExitDone;
  const Error error = ErrorFromGrpcStatus(status);
  PrintError(error);
  return error.code == ErrorCode::kInvalidArgument ? kExitBadInput : kExitFailed;
}

}  // namespace tillwire
