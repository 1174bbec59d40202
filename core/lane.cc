#include "core/lane.h"

#include <string_view>

namespace tillwire {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::string Lane(std::string_view order_id, std::string_view fulfillment_order_id, std::string_view bin) {
  if (const auto id = Trim(order_id); !id.empty()) return "order:" + std::string(id);
  if (const auto id = Trim(fulfillment_order_id); !id.empty()) return "fulfillment:" + std::string(id);
  if (const auto id = Trim(bin); !id.empty()) return "bin:" + std::string(id);
  return {};
}

}  // namespace

std::string LaneOf(const EventBody& body) {
  if (const auto* cancellation = std::get_if<OrderCancellation>(&body)) {
    return Lane(cancellation->order_id, cancellation->fulfillment_order_id, {});
  }
  if (const auto* clear = std::get_if<StagingBinClear>(&body)) {
    return Lane(clear->order_id, clear->fulfillment_order_id, clear->staging_location_id);
  }
  return {};
}

}  // namespace tillwire
