// An event of the outbox, as a shift leader reads it.
#pragma once

#include <string>
#include <vector>

#include "core/clock.h"

namespace google::protobuf {
class Timestamp;
}  // namespace google::protobuf

namespace tillwire {

namespace v1 {
class OutboxEvent;
}  // namespace v1

// A time of the contract; 1970 where it is none.
WallTime TimeOf(const google::protobuf::Timestamp& wire);

// "cancellation", "bin clear"; "unreadable" where its bytes are damaged.
std::string WhatInWords(const v1::OutboxEvent& event);
// "order 100023", "bin A-07".
std::string LaneInWords(const std::string& lane);
// "pending", "not in effect".
std::string StateInWords(const v1::OutboxEvent& event);
// Why it is where it is, as far as the event itself shows it; empty where there is nothing to say.
std::string WhyInWords(const v1::OutboxEvent& event);

// The states' words, as --state takes them, in the order of an event's life.
const std::vector<std::string>& StateWords();
// The number of a state's word in the contract, also where it is written as the contract does; 0 if it is
// none.
int StateOfWord(const std::string& word);

// The shortest beginning of an event's id, of at least 13 letters, that sets it apart among these ids.
std::size_t ShortIdLength(const std::vector<std::string>& ids);

}  // namespace tillwire
