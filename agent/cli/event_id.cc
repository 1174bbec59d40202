#include "agent/cli/event_id.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <vector>

#include "agent/cli/agent_transport.h"
#include "core/clock.h"
#include "proto/time_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::size_t kLeast = 8;
constexpr std::size_t kWhole = 36;
constexpr std::size_t kTimeDigits = 12;
// A clock that was stepped between an event's id and its capture.
constexpr std::chrono::hours kSlack{1};

bool IsBeginning(const std::string& text) {
  return text.size() >= kLeast && text.size() < kWhole &&
         std::all_of(
             text.begin(), text.end(),
             [](char letter) {
               return letter == '-' || (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
             });
}

// The earliest capture that can have an id with this beginning: a UUIDv7 begins with its milliseconds.
WallTime Earliest(const std::string& beginning) {
  std::string digits;
  std::copy_if(beginning.begin(), beginning.end(), std::back_inserter(digits),
               [](char letter) { return letter != '-'; });
  digits.resize(kTimeDigits, '0');
  return WallTime(std::chrono::milliseconds(std::stoll(digits, nullptr, 16))) - kSlack;
}

}  // namespace

CLI::Option* AddEventArgument(CLI::App& app, std::string& event_id) {
  return app
      .add_option("EVENT", event_id,
                  "The event's id, or the beginning of it, at least eight letters and digits")
      ->type_name("EVENT");
}

Result<std::string> WholeEventId(AgentTransport& agent, const std::string& given) {
  std::string beginning = given;
  std::transform(beginning.begin(), beginning.end(), beginning.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (!IsBeginning(beginning)) return given;
  v1::ListEventsRequest request;
  EncodeTime(Earliest(beginning), *request.mutable_since_time());
  std::vector<std::string> found;
  const auto listed = agent.ListEvents(request, [&](const v1::OutboxEvent& event) {
    if (event.event_id().starts_with(beginning)) found.push_back(event.event_id());
    return found.size() < 2;
  });
  if (!listed) return listed.error();
  if (found.empty()) {
    return Error{ErrorCode::kNotFound, "no event here begins with " + beginning,
                 "see them with: tillwire events"};
  }
  if (found.size() > 1) {
    return Error{
        ErrorCode::kInvalidArgument,
        "several events begin with " + beginning + ", " + found[0] + " and " + found[1] + " among them",
        "give more of the id"};
  }
  return found.front();
}

}  // namespace tillwire
