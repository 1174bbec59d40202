#include "agent/cli/event_words.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "agent/cli/words.h"
#include "core/text.h"
#include "proto/json_codec.h"
#include "proto/time_codec.h"
#include "tillwire/v1/capture.pb.h"

namespace tillwire {
namespace {

// A UUID's first two groups: its time to the millisecond.
constexpr std::size_t kShortestId = 13;
constexpr std::size_t kWholeId = 36;

}  // namespace

WallTime TimeOf(const google::protobuf::Timestamp& wire) {
  return DecodeTime(wire).value_or(WallTime());
}

std::string WhatInWords(const v1::OutboxEvent& event) {
  switch (event.event().body_case()) {
    case v1::StoreEvent::kOrderCancellation:
      return "cancellation";
    case v1::StoreEvent::kStagingBinClear:
      return "bin clear";
    case v1::StoreEvent::BODY_NOT_SET:
      break;
  }
  return "unreadable";
}

std::string LaneInWords(const std::string& lane) {
  const auto colon = lane.find(':');
  if (colon == std::string::npos) return Printable(lane);
  return Printable(lane.substr(0, colon) + " " + lane.substr(colon + 1));
}

const std::vector<std::string>& StateWords() {
  static const std::vector<std::string> words = EnumWords("OutboxEventState");
  return words;
}

int StateOfWord(const std::string& given) {
  const auto& words = StateWords();
  std::string word = given;
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char letter) {
    return letter == '_' ? '-' : static_cast<char>(std::tolower(letter));
  });
  constexpr std::string_view kPrefix = "outbox-event-state-";
  if (word.starts_with(kPrefix)) word.erase(0, kPrefix.size());
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? 0 : static_cast<int>(found - words.begin()) + 1;
}

std::string StateInWords(const v1::OutboxEvent& event) {
  const auto& words = StateWords();
  const auto number = static_cast<std::size_t>(event.state());
  if (number == 0 || number > words.size()) return "unknown";
  std::string word = words[number - 1];
  std::replace(word.begin(), word.end(), '-', ' ');
  return word;
}

std::string WhyInWords(const v1::OutboxEvent& event) {
  if (!event.held_by_event_id().empty()) return "waits behind " + event.held_by_event_id();
  if (event.reason().empty()) return Printable(event.detail());
  return Printable(event.reason() + (event.detail().empty() ? "" : ": " + event.detail()));
}

std::size_t ShortIdLength(const std::vector<std::string>& ids) {
  std::vector<std::string> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  std::size_t length = kShortestId;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const auto& a = sorted[i - 1];
    const auto& b = sorted[i];
    if (a == b) continue;
    const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    length = std::max(length, static_cast<std::size_t>(differ) + 1);
  }
  return std::min(length, kWholeId);
}

}  // namespace tillwire
