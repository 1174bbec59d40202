#include "agent/cli/status_command.h"

#include <iomanip>
#include <iostream>

#include "agent/cli/agent_transport.h"
#include "agent/cli/event_words.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/report.h"
#include "agent/cli/words.h"
#include "core/epoch.h"
#include "core/text.h"
#include "platform/system_clock.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

std::string Since(const google::protobuf::Timestamp& wire, WallTime now) {
  const WallTime time = TimeOf(wire);
  return TimeInWords(time, now) + " (" + SpanInWords(std::chrono::floor<std::chrono::seconds>(now - time)) +
         ")";
}

// A name and its value, the values below each other.
std::ostream& Row(std::ostream& out, const char* name) {
  return out << std::left << std::setw(12) << name;
}

void PrintConnection(std::ostream& out, const v1::ConnectionStatus& connection, WallTime now) {
  Row(out, "connection");
  std::string next;
  if (connection.has_next_attempt_time()) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(TimeOf(connection.next_attempt_time()) - now);
    next = "; next attempt in " + SpanInWords(wait);
  }
  switch (connection.state()) {
    case v1::CONNECTION_STATE_CONNECTED:
      out << "connected to " << connection.server() << " since " << Since(connection.connected_since(), now);
      break;
    case v1::CONNECTION_STATE_CONNECTING:
      out << "not connected; reaching for " << connection.server();
      break;
    case v1::CONNECTION_STATE_PUSHED_BACK:
      out << "the centre at " << connection.server() << " asked to wait" << next;
      break;
    case v1::CONNECTION_STATE_PAUSED:
      out << "paused by operator " << connection.pause().operator_id() << " until "
          << TimeInWords(TimeOf(connection.pause().until_time()), now) << ": "
          << Printable(connection.pause().reason());
      break;
    default:
      out << "not connected to " << connection.server() << next;
  }
  if (connection.failed_attempts() > 0) out << "; failed attempts: " << connection.failed_attempts();
  out << "\n";
  if (connection.last_error().empty()) return;
  Row(out, "last error") << connection.last_error();
  if (connection.has_last_error_time()) {
    const auto age = std::chrono::floor<std::chrono::seconds>(now - TimeOf(connection.last_error_time()));
    out << ", " << SpanInWords(age) << " ago";
  }
  out << "\n";
  if (!connection.remedy().empty()) Row(out, "what to do") << connection.remedy() << "\n";
}

void PrintOutbox(std::ostream& out, const v1::OutboxStatus& outbox) {
  Row(out, "pending") << outbox.pending();
  if (outbox.has_oldest_pending_time()) {
    out << ", oldest " << SpanInWords(std::chrono::seconds(outbox.oldest_pending_seconds()));
  }
  out << "\n";
  Row(out, "parked") << outbox.parked() << "\n";
  Row(out, "delivered") << outbox.delivered() << "\n";
  if (outbox.lost() > 0) Row(out, "lost") << outbox.lost() << "\n";
  if (outbox.released() > 0) Row(out, "released") << outbox.released() << "\n";
  if (outbox.not_in_effect() > 0) {
    Row(out, "not in effect") << outbox.not_in_effect()
                              << ": arrived after they had been given up; a person must decide at the centre "
                                 "(tillwire-ingestd events, kind reappeared)\n";
  }
  Row(out, "outbox") << "epoch " << outbox.epoch_ordinal() << " (" << EpochName(outbox.epoch())
                     << "), last sequence " << outbox.last_sequence() << "; "
                     << BytesInWords(outbox.used_bytes()) << " of " << BytesInWords(outbox.max_bytes())
                     << "\n";
  if (outbox.capture_problem().empty()) return;
  Row(out, "captures") << outbox.capture_problem() << "\n";
  Row(out, "what to do") << outbox.capture_remedy() << "\n";
}

void PrintSpool(std::ostream& out, const v1::SpoolStatus& spool, WallTime now) {
  if (spool.waiting() > 0) {
    Row(out, "spool") << spool.waiting() << (spool.waiting() == 1 ? " file waits" : " files wait");
    if (spool.has_oldest_waiting_time()) {
      const auto age = std::chrono::floor<std::chrono::seconds>(now - TimeOf(spool.oldest_waiting_time()));
      out << ", the first for " << SpanInWords(age);
    }
    out << (spool.holding_captures() ? "; captures of the same orders wait behind them" : "") << "\n";
  }
  if (!spool.last_problem().empty()) Row(out, "in its way") << spool.last_problem() << "\n";
}

// "20 of 134" where the list is cut.
std::string Shown(int shown, std::uint64_t all) {
  return static_cast<std::uint64_t>(shown) < all
             ? " (the oldest " + std::to_string(shown) + " of " + std::to_string(all) + ")"
             : "";
}

void PrintParked(std::ostream& out, const v1::GetAgentStatusResponse& status, WallTime now) {
  if (status.parked_events().empty()) return;
  out << "\nParked" << Shown(status.parked_events_size(), status.outbox().parked())
      << ": each holds back only the later events of its own order or bin\n";
  for (const auto& parked : status.parked_events()) {
    out << "  " << parked.event_id() << "  " << parked.lane() << "  sequence " << parked.sequence()
        << "\n    " << parked.reason();
    if (!parked.detail().empty()) out << ": " << parked.detail();
    out << ", since " << Since(parked.parked_time(), now) << "\n    to do: " << parked.remedy() << "\n";
  }
}

void PrintBadFiles(std::ostream& out, const v1::SpoolStatus& spool) {
  if (spool.bad() == 0) return;
  out << "\nSet aside from the spool into bad/: " << spool.bad()
      << (spool.bad() == 1 ? " file, which is not recorded" : " files, which are not recorded") << "\n";
  for (const auto& file : spool.bad_files()) {
    out << "  " << file.name() << "\n    " << file.reason() << "\n";
  }
  if (static_cast<std::uint64_t>(spool.bad_files_size()) < spool.bad()) out << "  ...\n";
  out << "    to do: correct a file and move it to new/, or capture the action anew; then delete it here\n";
}

void PrintLost(std::ostream& out, const v1::GetAgentStatusResponse& status) {
  if (status.lost_ranges().empty()) return;
  out << "\nLost for good\n";
  for (const auto& lost : status.lost_ranges()) {
    out << "  epoch " << EpochName(lost.epoch()) << ", ";
    out << SequencesText(lost.first_sequence(), lost.last_sequence()) << ": " << lost.cause()
        << (lost.announced() ? " (the centre knows)" : " (the centre does not know yet)") << "\n";
  }
}

void PrintIncidents(std::ostream& out, const v1::GetAgentStatusResponse& status, WallTime now) {
  if (status.incidents().empty()) return;
  out << "\nWhat happened to this outbox, newest first\n";
  for (const auto& incident : status.incidents()) {
    out << "  " << TimeInWords(TimeOf(incident.time()), now) << "  " << incident.text() << "\n";
  }
}

void Print(std::ostream& out, const v1::GetAgentStatusResponse& status, WallTime now) {
  out << "Terminal " << status.terminal_id() << " of store " << status.store_id() << ", tillwired "
      << status.agent_version() << "\n";
  PrintConnection(out, status.connection(), now);
  PrintOutbox(out, status.outbox());
  PrintSpool(out, status.spool(), now);
  PrintParked(out, status, now);
  PrintBadFiles(out, status.spool());
  PrintLost(out, status);
  PrintIncidents(out, status, now);
}

CommandText Text() {
  return {"status",
          "Show the connection, the queue, and what needs a person",
          "",
          {{Code(ExitCode::kDone), "done, whatever the state is"},
           {Code(ExitCode::kBadInput), "bad input"},
           {Code(ExitCode::kNotRecorded), "no status: the agent is not running, or does not answer"}},
          {{"", "tillwire status"}, {"For a script", "tillwire status --json | jq -r .outbox.pending"}}};
}

}  // namespace

StatusCommand::StatusCommand(CommandLine& line, const ConnectionOptions& connection)
    : Command(line.Add(Text())), connection_(connection) {
  App().add_flag("--json", json_, "Print it as JSON (tillwire.v1.GetAgentStatusResponse)");
}

int StatusCommand::Run() const {
  auto agent = AgentTransport::Connect(connection_.socket, connection_.Timeout());
  if (!agent) return ReportNoAnswer("status", agent.error());
  v1::GetAgentStatusResponse status;
  if (auto got = agent->GetAgentStatus(status); !got) return ReportNoAnswer("status", got.error());
  if (json_) {
    std::cout << ToJson(status, JsonLayout::kIndented) << "\n";
  } else {
    Print(std::cout, status, SystemClock().WallNow());
  }
  return Code(ExitCode::kDone);
}

}  // namespace tillwire
