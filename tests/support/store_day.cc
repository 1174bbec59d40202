#include "tests/support/store_day.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <random>

namespace tillwire {
namespace {

constexpr std::array kNotes = {
    "Customer called: ordered twice by mistake",
    "Waited until closing time, nobody came",
    "Box crushed in the stock room",
    "Größe passt nicht, Kunde verzichtet",
    "Shelf empty although the system shows 3 on hand",
    "Le client préfère la livraison à domicile",
    "Customer chose another colour at the counter",
    "数量不足のため取消",
};
constexpr std::array kRetailerCodes = {"C10", "C12", "N05", "D31", "I02"};
constexpr std::size_t kOpenOrders = 40;  // orders that are in somebody's hands at a time

template <typename... Arguments>
std::string Format(const char* format, Arguments... arguments) {
  std::array<char, 128> text{};
  const int size = std::snprintf(text.data(), text.size(), format, arguments...);
  return {text.data(), static_cast<std::size_t>(size)};
}

// Appends the check digit of GS1.
std::string Gtin13(const std::string& twelve_digits) {
  int sum = 0;
  for (std::size_t i = 0; i < twelve_digits.size(); ++i) {
    sum += (twelve_digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
  }
  return twelve_digits + std::to_string((10 - sum % 10) % 10);
}

struct Article {
  std::string line_id;
  std::string sku;
  std::string gtin;
  int quantity;
};

struct Order {
  std::string id;
  std::string fulfillment_id;
  std::string storefront_id;
  std::vector<Article> articles;
  std::vector<std::string> bins;
};

// What is still to be done about an order, in order.
struct Story {
  std::vector<PlannedCapture> steps;  // `cancellation` counts within the story
  std::vector<std::size_t> places;    // in the plan, of the steps already taken
  [[nodiscard]] bool Done() const { return places.size() == steps.size(); }
};

class Planner {
 public:
  explicit Planner(const StoreDayOptions& options) : options_(options), random_(options.seed) {}

  std::vector<PlannedCapture> Plan() {
    std::vector<PlannedCapture> plan;
    std::vector<Story> open;
    while (plan.size() < options_.captures) {
      while (open.size() < kOpenOrders) {
        open.push_back(MakeStory());
      }
      const std::size_t chosen = Pick(open.size());
      TakeStep(open[chosen], plan);
      if (open[chosen].Done()) {
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(chosen));
      }
    }
    return plan;
  }

 private:
  // Not std::uniform_int_distribution, whose results differ between libraries.
  std::size_t Pick(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  bool OneIn(std::size_t count) { return Pick(count) == 0; }
  template <typename Choices>
  auto PickFrom(const Choices& choices) {
    return choices[Pick(std::size(choices))];
  }

  void TakeStep(Story& story, std::vector<PlannedCapture>& plan) {
    PlannedCapture capture = story.steps[story.places.size()];
    if (capture.cancellation) {
      capture.cancellation = story.places[*capture.cancellation];
    }
    const std::size_t number = plan.size();
    v1::CaptureEventRequest& request = capture.request;
    request.set_idempotency_key(
        Format("pos-%llu-%06zu", static_cast<unsigned long long>(options_.seed), number));
    request.set_operator_id(Format("A%04zu", 1000 + Pick(24)));
    const WallTime time = options_.begin + options_.step * number;
    request.mutable_occur_time()->set_seconds(ToMicros(time) / 1'000'000);
    request.mutable_occur_time()->set_nanos(static_cast<int>(ToMicros(time) % 1'000'000) * 1000);
    request.set_business_day_date(Date());
    if (OneIn(3)) {
      request.set_transaction_sequence_number(Format("%06zu", 20'000 + number));
    }
    request.set_traceparent(Format("00-%016llx%016llx-%016llx-01", Nonzero(), Nonzero(), Nonzero()));
    plan.push_back(std::move(capture));
    story.places.push_back(number);
  }

  unsigned long long Nonzero() { return random_() | 1U; }

  [[nodiscard]] std::string Date() const {
    const std::time_t seconds = ToMicros(options_.begin) / 1'000'000;
    std::tm calendar{};
    gmtime_r(&seconds, &calendar);
    return Format("%04d-%02d-%02d", calendar.tm_year + 1900, calendar.tm_mon + 1, calendar.tm_mday);
  }

  std::string Bin() {
    return Format("STG-%c-%02zu-%zu", static_cast<char>('A' + Pick(6)), 1 + Pick(24), 1 + Pick(4));
  }

  Order MakeOrder() {
    const std::size_t number = ++orders_;
    Order order;
    order.id = Format("7741-%08zu", 40'210'000 + number * 7);
    order.fulfillment_id = Format("FO-%08zu-1", 91'300'000 + number * 3);
    order.storefront_id = Format("GB-%06zu", 100'000 + number);
    const std::size_t lines = 1 + Pick(OneIn(12) ? 18 : 4);
    for (std::size_t line = 1; line <= lines; ++line) {
      const std::size_t article = Pick(100'000);
      order.articles.push_back({std::to_string(line), Format("%08zu", 30'000'000 + article),
                                Gtin13(Format("4012345%05zu", article)), static_cast<int>(1 + Pick(3))});
    }
    for (std::size_t bins = 1 + (lines > 4 ? 1 : 0); bins > 0; --bins) {
      order.bins.push_back(Bin());
    }
    return order;
  }

  Story MakeStory() {
    const Order order = MakeOrder();
    Story story;
    switch (Pick(10)) {
      case 0:
        AddBinClear(story, order, v1::CLEAR_REASON_AUDIT_CORRECTION, false);
        break;
      case 1:
      case 2:
        AddLineCancellations(story, order);
        break;
      case 3:
        AddCancellation(story, order, v1::CANCELLATION_REASON_FRAUD, v1::RELEASE_POLICY_NONE);
        break;
      case 4:
      case 5:
        AddCancellation(story, order, v1::CANCELLATION_REASON_CUSTOMER_NO_SHOW,
                        v1::RELEASE_POLICY_ON_PUT_BACK);
        AddBinClear(story, order, v1::CLEAR_REASON_HOLD_EXPIRED, true);
        break;
      default:
        AddCancellation(story, order, v1::CANCELLATION_REASON_CUSTOMER_REQUEST,
                        v1::RELEASE_POLICY_ON_PUT_BACK);
        AddBinClear(story, order, v1::CLEAR_REASON_ORDER_CANCELLED, true);
    }
    return story;
  }

  v1::OrderCancellation& NewCancellation(Story& story, const Order& order) {
    PlannedCapture capture;
    capture.lane = order.id;
    v1::OrderCancellation& body = *capture.request.mutable_order_cancellation();
    body.set_order_id(order.id);
    body.set_fulfillment_order_id(order.fulfillment_id);
    (*body.mutable_external_order_ids())["storefront"] = order.storefront_id;
    if (OneIn(4)) {
      (*body.mutable_external_order_ids())["marketplace"] = "MP-" + order.storefront_id;
    }
    if (OneIn(3)) {
      body.set_note(PickFrom(kNotes));
    }
    story.steps.push_back(std::move(capture));
    return *story.steps.back().request.mutable_order_cancellation();
  }

  static void AddLine(v1::OrderCancellation& body, const Order& order, const Article& article) {
    v1::CancelledLine& line = *body.add_lines();
    line.set_line_id(article.line_id);
    line.set_sku(article.sku);
    line.set_gtin(article.gtin);
    line.set_quantity(article.quantity);
    line.set_reservation_id("RSV-" + order.id + "-" + article.line_id);
  }

  void AddCancellation(Story& story, const Order& order, v1::CancellationReason reason,
                       v1::ReleasePolicy policy) {
    v1::OrderCancellation& body = NewCancellation(story, order);
    body.set_scope(v1::CANCELLATION_SCOPE_WHOLE_ORDER);
    body.set_initiator(reason == v1::CANCELLATION_REASON_CUSTOMER_REQUEST
                           ? v1::CANCELLATION_INITIATOR_CUSTOMER
                           : v1::CANCELLATION_INITIATOR_ASSOCIATE);
    body.set_reason(reason);
    body.set_retailer_reason_code(PickFrom(kRetailerCodes));
    body.set_prior_state(v1::FULFILLMENT_STATE_READY_FOR_PICKUP);
    body.set_release_policy(policy);
    for (const Article& article : order.articles) {
      AddLine(body, order, article);
    }
    for (const std::string& bin : order.bins) {
      body.add_staging_location_ids(bin);
    }
    if (reason == v1::CANCELLATION_REASON_FRAUD) {
      story.steps.back().request.set_approver_operator_id("M0007");
    }
  }

  // The picker does not find an article: its line is cancelled while the order goes on; sometimes a second
  // one follows.
  void AddLineCancellations(Story& story, const Order& order) {
    const std::size_t count = std::min<std::size_t>(order.articles.size(), 1 + Pick(2));
    for (std::size_t i = 0; i < count; ++i) {
      v1::OrderCancellation& body = NewCancellation(story, order);
      body.set_scope(v1::CANCELLATION_SCOPE_LINES);
      body.set_initiator(v1::CANCELLATION_INITIATOR_ASSOCIATE);
      body.set_reason(OneIn(2) ? v1::CANCELLATION_REASON_INVENTORY_NOT_FOUND
                               : v1::CANCELLATION_REASON_DAMAGED);
      body.set_prior_state(v1::FULFILLMENT_STATE_PICKING);
      body.set_release_policy(v1::RELEASE_POLICY_ON_CANCEL);
      AddLine(body, order, order.articles[i]);
    }
  }

  void AddBinClear(Story& story, const Order& order, v1::ClearReason reason, bool of_cancellation) {
    const std::size_t bins = of_cancellation ? order.bins.size() : 1;
    for (std::size_t bin = 0; bin < bins; ++bin) {
      PlannedCapture capture;
      v1::StagingBinClear& body = *capture.request.mutable_staging_bin_clear();
      body.set_staging_location_id(of_cancellation ? order.bins[bin] : AuditedBin());
      body.add_container_ids(Format("TOTE-%05zu", Pick(90'000)));
      body.set_clear_reason(reason);
      body.set_bin_empty_confirmed(true);
      if (of_cancellation) {
        capture.cancellation = story.steps.size() - 1 - bin;
        capture.lane = order.id;
        body.set_order_id(order.id);
        body.set_fulfillment_order_id(order.fulfillment_id);
      } else {
        capture.lane = body.staging_location_id();
      }
      for (std::size_t i = bin; i < order.articles.size(); i += bins) {
        AddClearedLine(body, order.articles[i]);
      }
      story.steps.push_back(std::move(capture));
    }
  }

  // Each audit goes to a bin of its own, so that its lane is one story's.
  std::string AuditedBin() { return Format("STG-Z-%05zu", ++audits_); }

  void AddClearedLine(v1::StagingBinClear& body, const Article& article) {
    v1::ClearedLine& line = *body.add_lines();
    line.set_line_id(article.line_id);
    line.set_sku(article.sku);
    line.set_gtin(article.gtin);
    line.set_expected_quantity(article.quantity);
    const bool missing = OneIn(20);
    line.set_counted_quantity(missing ? 0 : article.quantity);
    line.set_disposition(missing     ? v1::DISPOSITION_MISSING
                         : OneIn(10) ? v1::DISPOSITION_QUARANTINE
                                     : v1::DISPOSITION_SELLABLE);
    if (!missing) {
      line.set_destination_location_id(Format("AISLE-%02zu-%02zu", 1 + Pick(30), 1 + Pick(40)));
    }
  }

  const StoreDayOptions options_;
  std::mt19937_64 random_;
  std::size_t orders_ = 0;
  std::size_t audits_ = 0;
};

}  // namespace

std::vector<PlannedCapture> PlanStoreDay(const StoreDayOptions& options) {
  return Planner(options).Plan();
}

void FillCancellation(v1::CaptureEventRequest& request, const std::string& event_id) {
  request.mutable_staging_bin_clear()->set_cancellation_event_id(event_id);
}

}  // namespace tillwire
