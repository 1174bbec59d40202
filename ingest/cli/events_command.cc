#include "ingest/cli/events_command.h"

#include <grpcpp/grpcpp.h>

#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/hash.h"
#include "ingest/cli/connection.h"
#include "ingest/cli/time_text.h"
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
    line["epoch"] = std::to_string(entry.epoch());
    line["sequence"] = entry.sequence();
    line["last_sequence"] = entry.last_sequence();
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
  TablePrinter() { Row("POSITION", "RECEIVED", "STORE", "TERMINAL", "SEQUENCE", "KIND", "LANE", "EVENT"); }

  void Print(const v1::LedgerEntry& entry) override {
    const bool is_tombstone = entry.kind() == v1::LEDGER_ENTRY_KIND_TOMBSTONE;
    std::string sequence = std::to_string(entry.sequence());
    if (entry.last_sequence() != entry.sequence()) sequence += "-" + std::to_string(entry.last_sequence());
    const auto event = ParseEvent(entry);
    Row(std::to_string(entry.position()), TimeText(entry.received_time()), entry.store_id(),
        entry.terminal_id(), sequence, What(entry, event), is_tombstone ? "-" : entry.lane(),
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
                  const std::string& terminal, const std::string& sequence, const std::string& kind,
                  const std::string& lane, const std::string& event) {
    std::cout << std::left << std::setw(9) << position << " " << std::setw(27) << time << " " << std::setw(10)
              << store << " " << std::setw(12) << terminal << " " << std::setw(9) << sequence << " "
              << std::setw(12) << kind << " " << std::setw(24) << lane << " " << event << "\n";
  }
};

}  // namespace

int RunEvents(const EventsOptions& options) {
  const auto channel = Connect(options.server);
  if (!channel) {
    PrintError(channel.error());
    return kExitUnreachable;
  }
  v1::ListEventsRequest request;
  request.set_after_position(options.after);
  request.set_limit(options.limit);
  request.set_follow(options.follow);
  request.set_store_id(options.store);
  request.set_terminal_id(options.terminal);

  std::unique_ptr<Printer> printer;
  if (options.json) {
    printer = std::make_unique<JsonPrinter>();
  } else {
    printer = std::make_unique<TablePrinter>();
  }
  grpc::ClientContext context;
  const auto stub = v1::OperationsService::NewStub(*channel);
  const auto reader = stub->ListEvents(&context, request);
  v1::ListEventsResponse response;
  if (options.follow) std::cout.flush();
  while (reader->Read(&response)) {
    printer->Print(response.entry());
    if (options.follow) std::cout.flush();
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
