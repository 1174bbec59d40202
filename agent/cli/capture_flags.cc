#include "agent/cli/capture_flags.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "proto/json_codec.h"

namespace tillwire {
namespace {

using nlohmann::json;

constexpr const char* kAboutThis = "What happened";
constexpr const char* kAboutWho = "Who and when";

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

// "key=value", split at the first "=".
Result<std::pair<std::string, std::string>> SplitPair(const std::string& flag, std::string_view text,
                                                      const char* example) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return Invalid(flag + " has \"" + std::string(text) + "\"", std::string("write it as ") + example);
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

Result<json> ParseLine(const std::string& text) {
  json line = json::object();
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    auto pair = SplitPair("--line", std::string_view(text).substr(begin, end - begin),
                          "sku=4006381333931,quantity=2");
    if (!pair) return pair.error();
    auto& [key, value] = *pair;
    std::replace(key.begin(), key.end(), '-', '_');
    if (line.contains(key)) return Invalid("--line has " + key + " twice", "give it once");
    if (key.ends_with("quantity")) {
      std::int32_t number = 0;
      const auto [rest, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || rest != value.data() + value.size()) {
        return Invalid(
            "--line has " + key + "=" + value,
            "give a whole number up to " + std::to_string(std::numeric_limits<std::int32_t>::max()));
      }
      line[key] = number;
    } else {
      line[key] = value;
    }
    begin = end + 1;
  }
  return line;
}

}  // namespace

std::string CaptureFlags::Flag::Path() const {
  std::string path = pointer.substr(1);
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

CaptureFlags::CaptureFlags(CommandLine& line, CLI::App& command, CaptureKind kind)
    : line_(line),
      command_(command),
      body_(kind == CaptureKind::kCancellation ? "order_cancellation" : "staging_bin_clear") {
  if (kind == CaptureKind::kCancellation) {
    AddCancellation();
  } else {
    AddBinClear();
  }
  AddShared();
}

CaptureFlags::Flag& CaptureFlags::AddText(const std::string& name, const std::string& pointer,
                                          const std::string& value, const std::string& help) {
  const bool of_body = pointer.find('/', 1) != std::string::npos;
  auto& flag = texts_.emplace_back();
  flag.pointer = pointer;
  flag.option = command_.add_option(name, flag.values, help)
                    ->expected(1)
                    ->type_name(value)
                    ->group(of_body ? kAboutThis : kAboutWho);
  return flag;
}

void CaptureFlags::AddEnum(const std::string& name, const std::string& pointer, const std::string& enum_name,
                           const std::string& help) {
  std::vector<std::string> choices = EnumWords(enum_name);
  Flag& flag = AddText(name, pointer, "WORD", help + ": " + OneOf(choices));
  line_.OfferChoices(*flag.option, choices);
  flag.choices = std::move(choices);
}

void CaptureFlags::AddList(const std::string& name, const std::string& pointer, const std::string& value,
                           const std::string& help) {
  AddPairs(lists_.emplace_back(), name, pointer, value, help);
}

void CaptureFlags::AddPairs(Flag& flag, const std::string& name, const std::string& pointer,
                            const std::string& value, const std::string& help) {
  flag.pointer = pointer;
  flag.option = command_.add_option(name, flag.values, help)
                    ->type_name(value)
                    ->allow_extra_args(false)
                    ->group(kAboutThis);
}

void CaptureFlags::AddShared() {
  AddText("--operator-id", "/operator_id", "ID", "The associate who acted (required)");
  AddText("--approver-operator-id", "/approver_operator_id", "ID", "The associate who approved");
  AddText("--occur-time", "/occur_time", "TIME",
          "When the associate acted, as 2026-05-04T14:02:00+02:00; now if not given");
  AddText("--business-day-date", "/business_day_date", "DATE", "The trading day, YYYY-MM-DD");
  AddText("--transaction-sequence-number", "/transaction_sequence_number", "ID", "The POS transaction");
  AddText("--traceparent", "/traceparent", "TEXT", "W3C trace context, carried through");
}

void CaptureFlags::AddCancellation() {
  const std::string at = "/order_cancellation/";
  AddText("--order-id", at + "order_id", "ID", "The order in the OMS (this or the next is required)");
  AddText("--fulfillment-order-id", at + "fulfillment_order_id", "ID", "The part that this store fulfils");
  AddEnum("--scope", at + "scope", "CancellationScope", "What is cancelled (required)");
  AddEnum("--initiator", at + "initiator", "CancellationInitiator", "Who wanted it (required)");
  AddEnum("--reason", at + "reason", "CancellationReason", "Why (required)");
  AddEnum("--release-policy", at + "release_policy", "ReleasePolicy",
          "When the stock is released (required)");
  AddPairs(lines_, "--line", at + "lines", "KEY=VALUE,...",
           "A cancelled line, as sku=4006381333931,quantity=2; repeatable. Keys: line-id, sku, gtin, "
           "quantity, reservation-id. For values with a comma use --json");
  AddText("--retailer-reason-code", at + "retailer_reason_code", "CODE", "Your own code for the reason");
  AddText("--note", at + "note", "TEXT", "Free text, at most 1 KiB; never card data");
  AddEnum("--prior-state", at + "prior_state", "FulfillmentState", "How far it was");
  AddList("--staging-location-id", at + "staging_location_ids", "ID", "Where the goods lie; repeatable");
  AddPairs(external_ids_, "--external-order-id", at + "external_order_ids", "SYSTEM=ID",
           "The order's name in another system, as storefront=GB-100023; repeatable");
}

void CaptureFlags::AddBinClear() {
  const std::string at = "/staging_bin_clear/";
  AddText("--staging-location-id", at + "staging_location_id", "ID", "The bin (required)");
  AddEnum("--clear-reason", at + "clear_reason", "ClearReason", "Why (required)");
  AddPairs(lines_, "--line", at + "lines", "KEY=VALUE,...",
           "Goods taken out, as sku=4711,counted-quantity=2,disposition=sellable; repeatable. Keys: line-id, "
           "sku, gtin, expected-quantity, counted-quantity, destination-location-id, disposition (" +
               OneOf(EnumWords("Disposition")) + "). For values with a comma use --json");
  AddList("--container-id", at + "container_ids", "ID", "A tote, bag or parcel that was in it; repeatable");
  AddText("--order-id", at + "order_id", "ID", "The order whose goods lay there");
  AddText("--fulfillment-order-id", at + "fulfillment_order_id", "ID", "The part that this store fulfils");
  AddText("--cancellation-event-id", at + "cancellation_event_id", "EVENT",
          "The event id of the cancellation that led to it");
  command_.add_flag("--bin-empty-confirmed", bin_empty_, "The associate saw that the bin is empty now")
      ->group(kAboutThis);
}

std::vector<const CaptureFlags::Flag*> CaptureFlags::All() const {
  std::vector<const Flag*> all = {&lines_};
  if (external_ids_.option != nullptr) all.push_back(&external_ids_);  // a cancellation's alone
  for (const auto& flag : texts_) all.push_back(&flag);
  for (const auto& flag : lists_) all.push_back(&flag);
  return all;
}

std::string CaptureFlags::AnyGiven() const {
  for (const auto* flag : All()) {
    if (!flag->values.empty()) return flag->option->get_name();
  }
  return bin_empty_ ? "--bin-empty-confirmed" : "";
}

Result<void> CaptureFlags::AddExternalIds(json& document) const {
  for (const auto& text : external_ids_.values) {
    const auto pair = SplitPair("--external-order-id", text, "storefront=GB-100023");
    if (!pair) return pair.error();
    document[body_]["external_order_ids"][pair->first] = pair->second;
  }
  return {};
}

Result<void> CaptureFlags::AddLines(json& document) const {
  for (const auto& text : lines_.values) {
    auto line = ParseLine(text);
    if (!line) return line.error();
    document[body_]["lines"].push_back(std::move(line).value());
  }
  return {};
}

// Lines beside the whole order contradict it: which of the two was meant can't be told.
Result<void> CaptureFlags::CheckScope() const {
  for (const auto& flag : texts_) {
    if (flag.option->get_name() != "--scope" || flag.values.empty() || lines_.values.empty()) continue;
    std::string scope = flag.values.back();
    std::transform(scope.begin(), scope.end(), scope.begin(), [](unsigned char letter) {
      return letter == '_' ? '-' : static_cast<char>(std::tolower(letter));
    });
    if (!scope.ends_with("whole-order")) continue;
    return Invalid("--line is given, but --scope is whole-order", "give --scope lines, or leave --line out");
  }
  return {};
}

Result<json> CaptureFlags::Document() const {
  for (const auto* flag : All()) {
    if (!std::all_of(flag->values.begin(), flag->values.end(), IsUtf8)) {
      return Invalid(flag->option->get_name() + " is not valid UTF-8", "set the terminal or script to UTF-8");
    }
  }
  json document = {{body_, json::object()}};
  for (const auto& flag : texts_) {
    if (!flag.values.empty()) document[json::json_pointer(flag.pointer)] = flag.values.back();
  }
  for (const auto& flag : lists_) {
    if (!flag.values.empty()) document[json::json_pointer(flag.pointer)] = flag.values;
  }
  if (bin_empty_) document[body_]["bin_empty_confirmed"] = true;
  if (auto checked = CheckScope(); !checked) return checked.error();
  if (auto added = AddExternalIds(document); !added) return added.error();
  if (auto added = AddLines(document); !added) return added.error();
  return document;
}

Error CaptureFlags::InFlagTerms(Error error) const {
  for (const auto* flag : All()) {
    const std::string path = flag->Path();
    if (!error.message.starts_with(path)) continue;
    std::string rest = error.message.substr(path.size());
    std::string name = flag->option->get_name();
    if (rest.starts_with('[')) {
      // An element: of a list by its number, of a map by its key.
      const auto end = std::min(rest.find(']'), rest.size() - 1);
      const std::string element = rest.substr(1, end - 1);
      rest.erase(0, end + 1);
      name +=
          element.starts_with('"') ? " for " + element : " number " + std::to_string(std::stoul(element) + 1);
    }
    if (rest.starts_with('.')) {
      // A line's key, which is written with hyphens.
      std::replace(rest.begin(),
                   rest.begin() + static_cast<std::ptrdiff_t>(std::min(rest.find(' '), rest.size())), '_',
                   '-');
      rest = ": " + rest.substr(1);
      if (const auto at = rest.find(" is no field of "); at != std::string::npos) rest.resize(at + 6);
      if (rest.ends_with(" is no")) rest += " key of a line";
      if (rest.starts_with(": disposition ")) error.hint = "give " + OneOf(EnumWords("Disposition"));
    } else if (!rest.starts_with(' ')) {
      continue;  // another field, whose name begins alike
    }
    error.message = name + rest;
    if (!flag->choices.empty()) error.hint = "give " + OneOf(flag->choices);
    return error;
  }
  return error;
}

}  // namespace tillwire
