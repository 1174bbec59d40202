// Messages as JSON, for the command lines: protobuf's JSON mapping with the fields' names as the contract
// spells them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tillwire {

// Replaces what `message` held. An enum value may be written with or without its enum's prefix, in either
// case and with hyphens: "CANCELLATION_REASON_CUSTOMER_REQUEST", "CUSTOMER_REQUEST" or "customer-request".
// kInvalidArgument names what is wrong: an unknown field with the nearest known one, an unknown value with
// those that there are.
Result<void> ParseJson(std::string_view json, google::protobuf::Message& message);

// The values of an enum of the contract, as a person types them: "customer-request" of CancellationReason.
// The first one, which says nothing, is left out.
std::vector<std::string> EnumWords(const std::string& enum_name);

// One of these of its value in the contract: "customer-request" of "CANCELLATION_REASON_CUSTOMER_REQUEST".
// Empty if the text is no value of that enum.
std::string EnumWord(const std::string& enum_name, const std::string& value);

enum class JsonLayout { kOneLine, kIndented };

// Every field is written, also where it has its default value, so that programs need not know the defaults.
// An epoch is written as EpochName() (core/epoch.h) does, not as protobuf's mapping has it.
std::string ToJson(const google::protobuf::Message& message, JsonLayout layout);

}  // namespace tillwire
