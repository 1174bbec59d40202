#include "ingest/service/terminal_listing.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "core/limits.h"
#include "ingest/oversight/terminal_codec.h"
#include "ingest/service/id_filter.h"
#include "tillwire/v1/operations.pb.h"

namespace tillwire {
namespace {

constexpr std::size_t kDefaultPage = 100;
constexpr std::size_t kMaxPage = 500;

// "URGENCY:LENGTH:STORETERMINAL", LENGTH being the store's.
std::string TokenOf(const TerminalRegister::Place& place) {
  return std::to_string(place.urgency) + ":" + std::to_string(place.identity.store_id.size()) + ":" +
         place.identity.store_id + place.identity.terminal_id;
}

// Takes a number and the colon behind it.
std::optional<std::size_t> TakeNumber(std::string_view& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

std::optional<TerminalRegister::Place> PlaceOf(std::string_view token) {
  const auto urgency = TakeNumber(token);
  const auto length = urgency ? TakeNumber(token) : std::nullopt;
  if (!length || *length > token.size()) return std::nullopt;
  return TerminalRegister::Place{*urgency,
                                 {std::string(token.substr(0, *length)), std::string(token.substr(*length))}};
}

}  // namespace

Result<void> ListTerminals(const TerminalRegister& terminals, const v1::ListTerminalsRequest& request,
                           WallTime now, v1::ListTerminalsResponse& response) {
  if (auto store = CheckIdFilter("store_id", request.store_id()); !store) return store;
  if (auto terminal = CheckIdFilter("terminal_id", request.terminal_id()); !terminal) return terminal;
  if (!v1::TerminalFlag_IsValid(request.flag())) {
    return Error{ErrorCode::kInvalidArgument, "flag has the unknown number " + std::to_string(request.flag()),
                 "give one of TerminalFlag, or none for all"};
  }
  std::optional<TerminalRegister::Place> after;
  if (!request.page_token().empty()) {
    after = PlaceOf(request.page_token());
    if (!after) {
      return Error{ErrorCode::kInvalidArgument, "page_token is none that this service gave",
                   "take next_page_token of the page before, or leave it empty"};
    }
  }
  const std::size_t size =
      request.page_size() == 0 ? kDefaultPage : std::min<std::size_t>(request.page_size(), kMaxPage);
  const auto page =
      terminals.List({request.store_id(), request.terminal_id(), static_cast<TerminalFlag>(request.flag())},
                     after, size, now);
  for (const auto& seen : page.terminals) {
    EncodeTerminal(seen.record, seen.presence, seen.flags, *response.add_terminals());
  }
  if (page.last) response.set_next_page_token(TokenOf(*page.last));
  response.set_total_size(page.total);
  return {};
}

}  // namespace tillwire
