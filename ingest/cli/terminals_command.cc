#include "ingest/cli/terminals_command.h"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/epoch.h"
#include "core/figures.h"
#include "core/text.h"
#include "ingest/cli/connection.h"
#include "ingest/cli/time_text.h"
#include "proto/grpc_error.h"
#include "proto/json_codec.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {
namespace {

constexpr auto kTimeout = std::chrono::seconds(30);  // for a page
constexpr std::uint32_t kPageSize = 500;

// "new-epoch" of TERMINAL_FLAG_NEW_EPOCH.
std::string FlagWord(v1::TerminalFlag flag) {
  constexpr std::string_view kPrefix = "TERMINAL_FLAG_";
  const std::string name = v1::TerminalFlag_Name(flag);
  if (!name.starts_with(kPrefix)) return "flag-" + std::to_string(static_cast<int>(flag));
  std::string word = name.substr(kPrefix.size());
  std::ranges::transform(word, word.begin(), [](char letter) {
    return letter == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  });
  return word;
}

std::vector<std::string> FlagWords() {
  std::vector<std::string> words;
  for (int flag = v1::TerminalFlag_MIN + 1; flag <= v1::TerminalFlag_MAX; ++flag) {
    words.push_back(FlagWord(static_cast<v1::TerminalFlag>(flag)));
  }
  return words;
}

v1::TerminalFlag FlagOf(const std::string& word) {
  for (int flag = v1::TerminalFlag_MIN + 1; flag <= v1::TerminalFlag_MAX; ++flag) {
    if (FlagWord(static_cast<v1::TerminalFlag>(flag)) == word) return static_cast<v1::TerminalFlag>(flag);
  }
  return v1::TERMINAL_FLAG_UNSPECIFIED;
}

// To the second, which is all that a person needs: "2026-03-01T09:30:00Z".
std::string Moment(const google::protobuf::Timestamp& time) {
  google::protobuf::Timestamp whole = time;
  whole.set_nanos(0);
  return TimeText(whole);
}

std::string LastSeen(const v1::Terminal& terminal) {
  switch (terminal.connected_instances()) {
    case 0:
      return Moment(terminal.last_seen_time());
    case 1:
      return "connected";
    default:
      return "connected, " + std::to_string(terminal.connected_instances()) + " times";
  }
}

std::string FlagText(const v1::RaisedFlag& raised) {
  std::string text = FlagWord(raised.flag()) + " since " + Moment(raised.since_time());
  const bool was_a_moment =
      raised.has_ended_time() && raised.ended_time().seconds() == raised.since_time().seconds();
  if (was_a_moment) return FlagWord(raised.flag()) + " at " + Moment(raised.since_time());
  return raised.has_ended_time() ? text + " until " + Moment(raised.ended_time()) : text;
}

std::uint64_t Sum(const v1::Terminal& terminal, std::uint64_t (v1::EpochDigest::*count)() const) {
  std::uint64_t sum = 0;
  for (const auto& epoch : terminal.epochs()) {
    if (!epoch.has_abandoned_time()) sum += (epoch.digest().*count)();
  }
  return sum;
}

class Printer {
 public:
  virtual ~Printer() = default;
  virtual void Print(const v1::Terminal& terminal) = 0;
  // After the last one.
  virtual void Finish(std::uint64_t /*total*/) {}
};

class JsonPrinter final : public Printer {
 public:
  void Print(const v1::Terminal& terminal) override {
    auto line = nlohmann::ordered_json::parse(ToJson(terminal, JsonLayout::kOneLine));
    // As everywhere else: an epoch does not fit the numbers of every reader.
    for (int i = 0; i < terminal.epochs_size(); ++i) {
      line["epochs"][static_cast<std::size_t>(i)]["digest"]["epoch"] =
          EpochName(terminal.epochs(i).digest().epoch());
    }
    std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  }
};

class TablePrinter final : public Printer {
 public:
  void Print(const v1::Terminal& terminal) override {
    if (!std::exchange(begun_, true))
      Row("STORE", "TERMINAL", "LAST SEEN", "PENDING", "PARKED", "VERSION", "FLAGS");
    std::string flags;
    for (const auto& raised : terminal.flags()) flags += (flags.empty() ? "" : ", ") + FlagText(raised);
    const bool counted = terminal.has_digest();
    Row(terminal.store_id(), terminal.terminal_id(), LastSeen(terminal),
        counted ? std::to_string(Sum(terminal, &v1::EpochDigest::pending)) : "?",
        counted ? std::to_string(Sum(terminal, &v1::EpochDigest::parked)) : "?",
        Printable(terminal.agent_version()), flags.empty() ? "ok" : flags);
  }

  void Finish(std::uint64_t total) override { std::cout << Counted(total, "terminal") << "\n"; }

 private:
  static void Row(const std::string& store, const std::string& terminal, const std::string& seen,
                  const std::string& pending, const std::string& parked, const std::string& version,
                  const std::string& flags) {
    std::cout << std::left << std::setw(10) << Printable(store) << " " << std::setw(12) << Printable(terminal)
              << " " << std::setw(20) << seen << " " << std::right << std::setw(7) << pending << " "
              << std::setw(6) << parked << " " << std::left << std::setw(8) << version << " " << flags
              << "\n";
  }

  bool begun_ = false;
};

class DetailPrinter final : public Printer {
 public:
  void Print(const v1::Terminal& terminal) override {
    std::cout << "Terminal " << Printable(terminal.terminal_id()) << " of store "
              << Printable(terminal.store_id()) << ", tillwired " << Printable(terminal.agent_version())
              << "\n";
    Line("seen", LastSeen(terminal) + ", first " + Moment(terminal.first_seen_time()));
    if (terminal.has_digest()) PrintDigest(terminal);
    if (terminal.flags().empty()) Line("flags", "none");
    for (const auto& raised : terminal.flags()) {
      Line(FlagWord(raised.flag()).c_str(), FlagText(raised));
      if (!raised.detail().empty()) Line("", Printable(raised.detail()));
      Line("  what to do", raised.remedy());
    }
    for (const auto& epoch : terminal.epochs()) PrintEpoch(epoch);
    std::cout << "\n";
  }

 private:
  static void PrintDigest(const v1::Terminal& terminal) {
    const v1::Digest& digest = terminal.digest();
    Line("counted", Moment(terminal.digest_time()));
    Line("outbox", Mebibytes(digest.outbox_used_bytes()) + " of " + Mebibytes(digest.outbox_max_bytes()) +
                       "; " + Mebibytes(digest.disk_free_bytes()) + " free on its disk");
    if (digest.has_oldest_pending_age()) {
      Line("oldest", SpanInWords(std::chrono::seconds(digest.oldest_pending_age().seconds())) + " then");
    }
    Line("spool", Counted(digest.spool_waiting(), "file") + " waiting, " +
                      std::to_string(digest.spool_bad()) + " bad");
    const std::int64_t skew = google::protobuf::util::TimeUtil::DurationToMilliseconds(terminal.clock_skew());
    Line("clock", std::to_string(skew) + " ms against the centre's, " +
                      (digest.clock_synchronized() ? "synchronized" : "not synchronized"));
    Line("running", SpanInWords(std::chrono::seconds(digest.uptime().seconds())) + " then");
  }

  static void PrintEpoch(const v1::TerminalEpoch& epoch) {
    const v1::EpochDigest& digest = epoch.digest();
    std::cout << "epoch " << digest.ordinal() << " (" << EpochName(digest.epoch()) << "), last sequence "
              << digest.last_sequence();
    if (epoch.has_abandoned_time())
      std::cout << ", not named by the terminal since " << Moment(epoch.abandoned_time());
    std::cout << "\n";
    Line("  began because", Printable(digest.why()));
    Line("  by the terminal",
         std::to_string(digest.delivered()) + " delivered, " + std::to_string(digest.pending()) +
             " pending, " + std::to_string(digest.parked()) + " parked, " + std::to_string(digest.moved()) +
             " moved, " + std::to_string(digest.lost()) + " lost, " + std::to_string(digest.damaged()) +
             " damaged, " + std::to_string(digest.released()) + " released, " +
             std::to_string(digest.not_in_effect()) + " not in effect");
    std::string here =
        std::to_string(epoch.missing()) + " not here, " + std::to_string(epoch.parked()) + " parked";
    for (const auto& range : epoch.missing_ranges()) {
      here += &range == &epoch.missing_ranges(0) ? ": " : ", ";
      here += SequencesText(range.first_sequence(), range.last_sequence());
    }
    Line("  by the centre", here);
  }

  static std::string Mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; }

  static void Line(const char* name, const std::string& value) {
    std::cout << std::left << std::setw(18) << name << value << "\n";
  }
};

}  // namespace

TerminalsCommand::TerminalsCommand(CommandLine& line)
    : Command(line.Add({"terminals",
                        "List the terminals, the worst first, and what is wrong with each",
                        "With TERMINAL: everything that is known of it, what each flag means there, and what "
                        "to do. Flags: gap "
                        "(events are missing here), lost (the terminal lost some, or they are damaged), "
                        "duplicate (two processes "
                        "speak for it, or its history forked), new-epoch (its outbox is new, or was copied "
                        "or put back), silent "
                        "(not heard for long), backlog (events wait there for long), bad-files (its spool "
                        "has files that can't be "
                        "taken), clock (its clock is wrong).",
                        {{kExitDone, "done"},
                         {kExitFailed, "no such terminal; or the service refused, or stopped in the middle"},
                         {kExitBadInput, "bad input"},
                         {kExitUnreachable, "no service answers"}},
                        {{"Which ones need somebody", "tillwire-ingestd terminals | grep -v ' ok$'"},
                         {"What is the matter with one", "tillwire-ingestd terminals till-3 --store 0042"},
                         {"Those that lack events here", "tillwire-ingestd terminals --flag gap --json"}}})) {
  App().add_option("TERMINAL", terminal_, "Only this terminal, with its details")->type_name("TERMINAL");
  App().add_option("--store", store_, "Only this store")->type_name("ID");
  line.AddChoice(App(), "--flag", flag_, FlagWords(), "Only terminals with this flag")->type_name("FLAG");
  App().add_flag("--json", json_, "One JSON object a line (tillwire.v1.Terminal)");
  AddServerOption(App(), server_);
}

int TerminalsCommand::Run() const {
  const auto channel = Connect(server_);
  if (!channel) {
    PrintError(channel.error());
    return kExitUnreachable;
  }
  std::unique_ptr<Printer> printer;
  if (json_) {
    printer = std::make_unique<JsonPrinter>();
  } else if (!terminal_.empty()) {
    printer = std::make_unique<DetailPrinter>();
  } else {
    printer = std::make_unique<TablePrinter>();
  }
  v1::ListTerminalsRequest request;
  request.set_store_id(store_);
  request.set_terminal_id(terminal_);
  request.set_flag(FlagOf(flag_));
  request.set_page_size(kPageSize);
  const auto stub = v1::OperationsService::NewStub(*channel);
  v1::ListTerminalsResponse response;
  do {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    response.Clear();
    const grpc::Status status = stub->ListTerminals(&context, request, &response);
    if (!status.ok()) {
      const Error error = ErrorFromGrpcStatus(status);
      PrintError(error);
      return error.code == ErrorCode::kInvalidArgument ? kExitBadInput : kExitFailed;
    }
    for (const auto& terminal : response.terminals()) printer->Print(terminal);
    request.set_page_token(response.next_page_token());
  } while (!response.next_page_token().empty() && std::cout);
  if (!terminal_.empty() && response.total_size() == 0) {
    PrintError({ErrorCode::kNotFound, "no terminal " + terminal_ + " has connected to this centre",
                "tillwire-ingestd terminals lists those that have; check the store and the flag that you "
                "asked for"});
    return kExitFailed;
  }
  printer->Finish(response.total_size());
  std::cout.flush();
  return std::cout ? kExitDone : kExitFailed;
}

}  // namespace tillwire
