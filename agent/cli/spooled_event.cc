#include "agent/cli/spooled_event.h"

#include "agent/cli/agent_transport.h"
#include "agent/cli/connection_options.h"
#include "agent/cli/spool_transport.h"
#include "core/event.h"
#include "proto/event_codec.h"
#include "proto/json_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

std::string SpoolOf(const ConnectionOptions& connection, AgentTransport* agent) {
  if (!connection.spool.empty() || agent == nullptr) return connection.Spool();
  v1::GetAgentStatusResponse status;
  return agent->GetAgentStatus(status) ? status.spool().directory() : connection.Spool();
}

// As far as it can be known before the agent takes it.
void FillEvent(const std::string& event_id, const std::string& content, v1::OutboxEvent& event) {
  event.set_event_id(event_id);
  v1::CaptureEventRequest supplied;
  if (!ParseJson(content, supplied)) return;
  auto request = DecodeCaptureRequest(supplied);
  if (!request) return;
  Event stored;
  stored.event_id = event_id;
  stored.request = std::move(*request);
  event.mutable_event()->ParseFromString(EncodeEvent(stored));
  event.mutable_event()->clear_capture_time();
  event.mutable_event()->clear_clock();
}

}  // namespace

std::optional<v1::ExplainEventResponse> FindSpooledEvent(const ConnectionOptions& connection,
                                                         AgentTransport* agent, const std::string& event_id) {
  const std::string directory = SpoolOf(connection, agent);
  if (directory.empty()) return std::nullopt;
  const auto found = FindInSpool(directory, event_id);
  if (!found || !*found) return std::nullopt;
  const SpooledFile& file = **found;
  v1::ExplainEventResponse response;
  FillEvent(event_id, file.content, *response.mutable_event());
  auto& explanation = *response.add_explanations();
  if (file.reason.empty()) {
    explanation.set_reason(v1::EXPLANATION_REASON_SPOOLED);
    explanation.set_text("it waits in the spool" +
                         std::string(agent == nullptr ? ", since the agent is not running" : "") + ": " +
                         file.path.string());
    explanation.set_remedy(agent == nullptr ? "start the agent: systemctl start tillwired"
                                            : "see in tillwire status what is in its way");
  } else {
    explanation.set_reason(v1::EXPLANATION_REASON_SET_ASIDE);
    explanation.set_text("it is not recorded: it could not be taken from the spool, because " + file.reason);
    explanation.set_remedy("correct what the reason says and capture it again; the file is " +
                           file.path.string());
  }
  response.mutable_event()->set_detail(explanation.text());
  response.mutable_event()->set_remedy(explanation.remedy());
  return response;
}

}  // namespace tillwire
