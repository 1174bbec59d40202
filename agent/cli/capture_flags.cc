#include "agent/cli/capture_flags.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "proto/utf8_check.h"

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
        return Invalid("--line has " + key + "=" + value, "give a whole number");
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

CaptureFlags::CaptureFlags(CLI::App& command, CaptureKind kind)
    : body_(kind == CaptureKind::kCancellation ? "order_cancellation" : "staging_bin_clear") {
  if (kind == CaptureKind::kCancellation) {
    AddCancellation(command);
  } else {
    AddBinClear(command);
  }
  AddShared(command);
}

void CaptureFlags::AddText(CLI::App& command, const std::string& name, const std::string& pointer,
                           const std::string& help) {
  const bool of_body = pointer.find('/', 1) != std::string::npos;
  auto& flag = texts_.emplace_back();
  flag.pointer = pointer;
  flag.option =
      command.add_option(name, flag.values, help)->expected(1)->group(of_body ? kAboutThis : kAboutWho);
}

void CaptureFlags::AddList(CLI::App& command, const std::string& name, const std::string& pointer,
                           const std::string& help) {
  auto& flag = lists_.emplace_back();
  flag.pointer = pointer;
  flag.option = command.add_option(name, flag.values, help)->allow_extra_args(false)->group(kAboutThis);
}

void CaptureFlags::AddShared(CLI::App& command) {
  AddText(command, "--operator-id", "/operator_id", "The associate who acted (required)");
  AddText(command, "--approver-operator-id", "/approver_operator_id", "The associate who approved");
  AddText(command, "--occur-time", "/occur_time",
          "When the associate acted, as 2026-05-04T14:02:00+02:00;\nnow if not given");
  AddText(command, "--business-day-date", "/business_day_date", "The trading day, YYYY-MM-DD");
  AddText(command, "--transaction-sequence-number", "/transaction_sequence_number", "The POS transaction");
  AddText(command, "--traceparent", "/traceparent", "W3C trace context, carried through");
}

void CaptureFlags::AddCancellation(CLI::App& command) {
  const std::string at = "/order_cancellation/";
  AddText(command, "--order-id", at + "order_id", "The order in the OMS (this or the next is required)");
  AddText(command, "--fulfillment-order-id", at + "fulfillment_order_id", "The part that this store fulfils");
  AddText(command, "--scope", at + "scope", "whole-order or lines (required)");
  AddText(command, "--initiator", at + "initiator",
          "Who wanted it: customer, associate or system (required)");
  AddText(command, "--reason", at + "reason",
          "customer-request, customer-no-show, customer-rejected, hold-expired,\n"
          "inventory-not-found, damaged, payment-declined, fraud, staff-error or other\n(required)");
  AddText(command, "--release-policy", at + "release_policy",
          "When the stock is released: on-cancel, on-put-back or none (required)");
  lines_.option = command
                      .add_option("--line", lines_.values,
                                  "A cancelled line, as sku=4006381333931,quantity=2; repeatable.\n"
                                  "Keys: line-id, sku, gtin, quantity, reservation-id.\n"
                                  "For values with a comma use --json")
                      ->type_name("KEY=VALUE,...")
                      ->allow_extra_args(false)
                      ->group(kAboutThis);
  AddText(command, "--retailer-reason-code", at + "retailer_reason_code", "Your own code for the reason");
  AddText(command, "--note", at + "note", "Free text, at most 1 KiB; never card data");
  AddText(command, "--prior-state", at + "prior_state", "open, picking, staged or ready-for-pickup");
  AddList(command, "--staging-location-id", at + "staging_location_ids", "Where the goods lie; repeatable");
  external_ids_.option =
      command
          .add_option("--external-order-id", external_ids_.values,
                      "The order's name in another system,\nas storefront=GB-100023; repeatable")
          ->type_name("SYSTEM=ID")
          ->allow_extra_args(false)
          ->group(kAboutThis);
}

void CaptureFlags::AddBinClear(CLI::App& command) {
  const std::string at = "/staging_bin_clear/";
  AddText(command, "--staging-location-id", at + "staging_location_id", "The bin (required)");
  AddText(command, "--clear-reason", at + "clear_reason",
          "order-cancelled, picked-up, hold-expired, relocated\nor audit-correction (required)");
  lines_.option =
      command
          .add_option(
              "--line", lines_.values,
              "Goods taken out, as sku=4711,counted-quantity=2,disposition=sellable; repeatable.\n"
              "Keys: line-id, sku, gtin, expected-quantity, counted-quantity, destination-location-id,\n"
              "disposition (sellable, damaged, non-sellable, quarantine, missing).\n"
              "For values with a comma use --json")
          ->type_name("KEY=VALUE,...")
          ->allow_extra_args(false)
          ->group(kAboutThis);
  AddList(command, "--container-id", at + "container_ids",
          "A tote, bag or parcel that was in it; repeatable");
  AddText(command, "--order-id", at + "order_id", "The order whose goods lay there");
  AddText(command, "--fulfillment-order-id", at + "fulfillment_order_id", "The part that this store fulfils");
  AddText(command, "--cancellation-event-id", at + "cancellation_event_id",
          "The event id of the cancellation that led to it");
  command.add_flag("--bin-empty-confirmed", bin_empty_, "The associate saw that the bin is empty now")
      ->group(kAboutThis);
}

std::vector<const CaptureFlags::Flag*> CaptureFlags::All() const {
  std::vector<const Flag*> all = {&external_ids_, &lines_};
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
  if (auto added = AddExternalIds(document); !added) return added.error();
  if (auto added = AddLines(document); !added) return added.error();
  return document;
}

}  // namespace tillwire
