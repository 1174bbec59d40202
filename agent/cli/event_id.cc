#include "agent/cli/event_id.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "agent/cli/agent_transport.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

constexpr std::size_t kLeast = 8;
constexpr std::size_t kWhole = 36;

bool IsBeginning(const std::string& text) {
  return text.size() >= kLeast && text.size() < kWhole &&
         std::all_of(
             text.begin(), text.end(),
             [](char letter) {
               return letter == '-' || (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
             });
}

}  // namespace

CLI::Option* AddEventArgument(CLI::App& app, std::string& event_id) {
  return app
      .add_option(
          "EVENT", event_id,
          "The event's id, or its beginning as far as tillwire events shows it, where nothing else begins so")
      ->type_name("EVENT");
}

Result<std::string> WholeEventId(AgentTransport& agent, const std::string& given) {
  std::string beginning = given;
  std::transform(beginning.begin(), beginning.end(), beginning.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (!IsBeginning(beginning)) return given;
  v1::ListEventsRequest request;
  request.set_event_id_beginning(beginning);
  request.set_limit(2);
  std::vector<std::string> found;
  const auto listed = agent.ListEvents(request, [&](const v1::OutboxEvent& event) {
    found.push_back(event.event_id());
    return true;
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
        "give more of the id; tillwire events --json has it whole"};
  }
  return found.front();
}

}  // namespace tillwire
