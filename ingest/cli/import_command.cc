#include "ingest/cli/import_command.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "core/epoch.h"
#include "core/figures.h"
#include "core/text.h"
#include "ingest/cli/connection.h"
#include "ingest/cli/time_text.h"
#include "ingest/import/export_reader.h"
#include "ingest/import/file_import.h"
#include "proto/grpc_error.h"
#include "proto/time_codec.h"
#include "proto/write_back_codec.h"
#include "tillwire/v1/operations.grpc.pb.h"

namespace tillwire {
namespace {

constexpr auto kCallTimeout = std::chrono::seconds(60);

// The running service.
class RunningCentre final : public ImportTarget {
 public:
  explicit RunningCentre(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::OperationsService::NewStub(channel)) {}

  Result<StreamLimits> Begin(const ExportHeader& header) override {
    v1::ImportRecordsResponse response;
    if (auto called = Call(RequestFor(header), response); !called) return called.error();
    StreamLimits limits;
    limits.max_batch_records = std::max(response.limits().max_batch_records(), 1U);
    limits.max_batch_bytes = response.limits().max_batch_bytes();
    return limits;
  }

  Result<BatchResult> TakeIn(const ExportHeader& header, ImportPart part) override {
    v1::ImportRecordsRequest request = RequestFor(header);
    v1::WriteBackRequest stream;
    if (auto* batch = std::get_if<EventBatch>(&part)) {
      EncodeToCentre(std::move(*batch), stream);
      request.mutable_batch()->Swap(stream.mutable_batch());
    } else {
      EncodeToCentre(std::move(std::get<Tombstones>(part)), stream);
      request.mutable_tombstones()->Swap(stream.mutable_tombstones());
    }
    v1::ImportRecordsResponse response;
    if (auto called = Call(request, response); !called) return called.error();
    v1::WriteBackResponse answer;
    answer.mutable_batch_result()->Swap(response.mutable_result());
    auto decoded = DecodeToAgent(std::move(answer));
    if (!decoded) return decoded.error();
    return std::move(std::get<BatchResult>(*decoded));
  }

 private:
  static v1::ImportRecordsRequest RequestFor(const ExportHeader& header) {
    v1::ImportRecordsRequest request;
    request.set_store_id(header.store_id);
    request.set_terminal_id(header.terminal_id);
    request.set_export_id(std::string(header.export_id.AsBytes()));
    EncodeTime(header.created_at, *request.mutable_exported_time());
    return request;
  }

  Result<void> Call(const v1::ImportRecordsRequest& request, v1::ImportRecordsResponse& response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    const grpc::Status status = stub_->ImportRecords(&context, request, &response);
    if (status.ok()) return {};
    return ErrorFromGrpcStatus(status);
  }

  const std::unique_ptr<v1::OperationsService::Stub> stub_;
};

std::string TimeTextOf(WallTime time) {
  google::protobuf::Timestamp wire;
  EncodeTime(time, wire);
  return TimeText(wire);
}

nlohmann::ordered_json ToJson(const std::string& file, const ExportHeader& header) {
  nlohmann::ordered_json line;
  line["file"] = file;
  line["export_id"] = header.export_id.ToString();
  line["store_id"] = header.store_id;
  line["terminal_id"] = header.terminal_id;
  line["exported_time"] = TimeTextOf(header.created_at);
  line["events"] = header.records;
  line["tombstones"] = header.tombstones;
  if (header.missing) {
    line["missing"] = {{"epoch", EpochName(header.missing->epoch)},
                       {"first_sequence", header.missing->first},
                       {"last_sequence", header.missing->last}};
  }
  return line;
}

void PrintLine(const nlohmann::ordered_json& line) {
  std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << std::endl;
}

void PrintJson(const std::string& file, const ExportHeader& header, const ImportReport& report) {
  nlohmann::ordered_json line = ToJson(file, header);
  line["accepted"] = report.accepted;
  line["duplicates"] = report.duplicates;
  line["parked"] = report.parked;
  line["held"] = report.held;
  line["conflicts"] = report.conflicts;
  line["given_up"] = report.given_up;
  line["tombstones_taken"] = report.tombstones;
  line["tombstones_superseded"] = report.tombstones_superseded;
  line["tombstones_held"] = report.tombstones_held;
  line["tombstones_in_conflict"] = report.tombstones_in_conflict;
  line["complete"] = report.Complete();
  line["problems"] = nlohmann::ordered_json::array();
  for (const ImportProblem& problem : report.problems) {
    line["problems"].push_back({{"epoch", EpochName(problem.id.epoch)},
                                {"sequence", problem.id.sequence},
                                {"lane", problem.lane},
                                {"what", problem.what},
                                {"why", problem.why}});
  }
  PrintLine(line);
}

void PrintHeader(const std::string& file, const ExportHeader& header) {
  std::cout << file << ": export " << header.export_id.ToString() << " of terminal "
            << Printable(header.terminal_id) << " of store " << Printable(header.store_id) << ", written "
            << TimeTextOf(header.created_at) << "\n  holds " << Counted(header.records, "event") << " and "
            << Counted(header.tombstones, "tombstone") << "\n";
  if (header.missing) {
    std::cout << "  missing in it: " << SequencesText(header.missing->first, header.missing->last)
              << " of epoch " << EpochName(header.missing->epoch)
              << ", which the outbox had lost when it was exported\n";
  }
}

void PrintText(const std::string& file, const ExportHeader& header, const ImportReport& report) {
  PrintHeader(file, header);
  const auto row = [](std::uint64_t count, const char* what) {
    if (count > 0) std::cout << "  " << count << " " << what << "\n";
  };
  row(report.accepted, "accepted: in effect from now on");
  row(report.duplicates, "duplicates: were in effect already");
  row(report.parked, "parked: a rule of the centre refuses them");
  row(report.held, "held: an event before them in their lane is not resolved");
  row(report.conflicts, "conflicts: the centre has another record of that identity");
  row(report.given_up, "given up before: kept, not in effect");
  row(report.tombstones, "tombstones: those sequences are closed");
  row(report.tombstones_superseded, "tombstones of events that are in effect");
  row(report.tombstones_held, "tombstones held: an event before them in their lane is not resolved");
  row(report.tombstones_in_conflict, "tombstones in conflict: the centre has another record there");
  for (const ImportProblem& problem : report.problems) {
    std::cout << "  epoch " << EpochName(problem.id.epoch) << " sequence " << problem.id.sequence;
    if (!problem.lane.empty()) std::cout << " " << Printable(problem.lane);
    std::cout << " " << problem.what << ": " << Printable(problem.why) << "\n";
  }
  if (!report.Complete()) {
    std::cout
        << "  Not all of it is in effect. Keep the file: when the cause is dealt with, import it again\n";
  }
  std::cout << std::flush;
}

CommandText Text() {
  return {
      "import",
      "Take in what a terminal could not send, from files that \"tillwire export\" has written",
      "The files are read as a whole first; if one of them is not in order, nothing is taken in of any. What "
      "they hold then takes the same way as on the terminal's stream, through the running service: what is "
      "there already is a duplicate, a rule may park an event, lanes keep their order. So a file may be "
      "imported again, after it was interrupted or for good measure. What came in this way is marked as "
      "imported.\n\n"
      "The events travel to the service in plaintext: run this on the service's own machine.",
      {{kExitDone, "all that the files hold is in effect, or closed by a tombstone"},
       {kExitFailed, "the service refused, or stopped in the middle: import the files again"},
       {kExitBadInput, "bad input: a file or the key is not in order; nothing was taken in"},
       {kExitUnreachable, "no service answers; nothing was taken in"},
       {kExitIncomplete,
        "all of the files was taken in, and some of it is not in effect: parked, held, or in conflict"}},
      {{"", "tillwire-ingestd import /mnt/till-3.export --key /etc/tillwire/export-private.pem"},
       {"What it holds, without a service",
        "tillwire-ingestd import --check till-3.export --key private.pem"}}};
}

int Fail(const Error& error, int code) {
  PrintError(error);
  return code;
}

// What a refusal of the service means for the exit code. It has named what is wrong.
int CodeOf(const Error& error) {
  const bool bad_file =
      error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kFailedPrecondition;
  return bad_file ? kExitBadInput : kExitFailed;
}

}  // namespace

ImportCommand::ImportCommand(CommandLine& line) : Command(line.Add(Text())) {
  App()
      .add_option("FILE", files_, "What tillwire export has written; any number of them")
      ->type_name("FILE")
      ->required();
  App().add_option("--key", key_, "The centre's private key (PEM)")->type_name("FILE")->required();
  App().add_flag("--check", check_, "Only look whether the files are in order, and say what they hold");
  App().add_flag("--json", json_, "One JSON object a file");
  AddServerOption(App(), server_);
}

int ImportCommand::Run() const {
  const auto key = OpeningKey::Load(key_);
  if (!key) return Fail(key.error(), kExitBadInput);
  for (const std::string& file : files_) {
    const auto header = CheckExport(file, *key);
    if (!header) return Fail(header.error(), kExitBadInput);
    if (!check_) continue;
    if (json_) {
      PrintLine(ToJson(file, *header));
    } else {
      PrintHeader(file, *header);
    }
  }
  if (check_) return kExitDone;
  const auto channel = Connect(server_);
  if (!channel) return Fail(channel.error(), kExitUnreachable);
  RunningCentre centre(*channel);
  bool complete = true;
  for (const std::string& file : files_) {
    auto reader = ExportReader::Open(file, *key);
    if (!reader) return Fail(reader.error(), kExitFailed);
    const auto report = ImportFile(*reader, centre);
    if (!report) {
      Error error = report.error();
      error.message = file + ": " + error.message;
      return Fail(error, CodeOf(error));
    }
    complete = complete && report->Complete();
    if (json_) {
      PrintJson(file, reader->Header(), *report);
    } else {
      PrintText(file, reader->Header(), *report);
    }
  }
  return complete ? kExitDone : kExitIncomplete;
}

}  // namespace tillwire
