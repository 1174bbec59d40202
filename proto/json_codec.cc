#include "proto/json_codec.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/epoch.h"
#include "core/nearest_name.h"
#include "core/text.h"

namespace tillwire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

// Of what protobuf's parser says, which may quote the whole document.
constexpr std::size_t kParserWords = 300;

Error Invalid(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(hint)};
}

// "CANCELLATION_REASON_" of CancellationReason: what every value begins with, as the first value shows.
std::string PrefixOf(const EnumDescriptor& type) {
  constexpr std::string_view kFirstValue = "UNSPECIFIED";
  const std::string& first = type.value(0)->name();
  return first.size() > kFirstValue.size() && first.ends_with(kFirstValue)
             ? first.substr(0, first.size() - kFirstValue.size())
             : std::string();
}

// Replaces an enum value by its full name.
Result<void> CompleteEnumValue(const EnumDescriptor& type, const std::string& path, json& value) {
  if (!value.is_string()) return {};  // a number stands for itself
  auto name = value.get<std::string>();
  const std::string written = name;
  std::transform(name.begin(), name.end(), name.begin(), [](char letter) {
    if (letter == '-') return '_';
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  });
  const std::string prefix = PrefixOf(type);
  for (const auto& full_name : {name, prefix + name}) {
    if (type.FindValueByName(full_name) != nullptr) {
      value = full_name;
      return {};
    }
  }
  std::string known;
  for (int i = 1; i < type.value_count(); ++i) {
    if (!known.empty()) known += ", ";
    known += type.value(i)->name().substr(prefix.size());
  }
  return Invalid(path + " is \"" + Excerpt(written) + "\"", "use one of " + known);
}

// Protobuf's parser would refuse it too, in words that help nobody.
Result<void> CheckTime(const std::string& path, const json& value) {
  google::protobuf::Timestamp parsed;
  if (value.is_string() && google::protobuf::util::TimeUtil::FromString(value.get<std::string>(), &parsed))
    return {};
  return Invalid(path + " is " + Excerpt(value.dump()) + ", which is no time",
                 "write it as \"2026-05-04T14:02:00+02:00\"");
}

Result<void> CompleteEnums(const Descriptor& type, const std::string& path, json& object);

Result<void> CompleteEnumsOfElement(const FieldDescriptor& field, const std::string& path, json& value) {
  if (field.type() == FieldDescriptor::TYPE_ENUM) return CompleteEnumValue(*field.enum_type(), path, value);
  if (field.type() == FieldDescriptor::TYPE_MESSAGE &&
      field.message_type() == google::protobuf::Timestamp::descriptor()) {
    return CheckTime(path, value);
  }
  // The other well-known types have forms of their own in JSON, which protobuf's parser checks.
  if (field.type() == FieldDescriptor::TYPE_MESSAGE &&
      field.message_type()->file()->package() != "google.protobuf") {
    return CompleteEnums(*field.message_type(), path, value);
  }
  return {};
}

// `path` leads to the object, with a dot at its end.
Result<void> UnknownField(const Descriptor& type, const std::string& path, const std::string& key) {
  std::vector<std::string> known;
  for (int i = 0; i < type.field_count(); ++i) known.push_back(type.field(i)->name());
  const std::string nearest = NearestName(key, known);
  return Invalid(
      path + Excerpt(key) + " is no field of " + type.name(),
      nearest.empty() ? "see tillwire/v1/*.proto for its fields" : "did you mean " + nearest + "?");
}

// Walks an object along its message type: names unknown fields, and spells enum values out.
Result<void> CompleteEnums(const Descriptor& type, const std::string& path, json& object) {
  if (!object.is_object()) {
    return Invalid((path.empty() ? "the document" : path) + " is no JSON object",
                   "write { ... } with fields of " + type.name());
  }
  for (auto& [key, value] : object.items()) {
    const std::string in = path.empty() ? "" : path + ".";
    const std::string at = in + key;
    const auto* field = type.FindFieldByName(key);
    if (field == nullptr) field = type.FindFieldByCamelcaseName(key);
    if (field == nullptr) return UnknownField(type, in, key);
    if (value.is_null() || field->is_map()) continue;
    if (!field->is_repeated()) {
      if (auto result = CompleteEnumsOfElement(*field, at, value); !result) return result;
      continue;
    }
    if (!value.is_array()) return Invalid(at + " is no JSON array", "write [ ... ]");
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string element = at + "[" + std::to_string(i) + "]";
      if (auto result = CompleteEnumsOfElement(*field, element, value[i]); !result) return result;
    }
  }
  return {};
}

// Whether arrays and objects nest deeper than a request ever does: what walks a document does so recursively,
// and the stack of whoever reads it must not depend on who wrote it.
bool NestsTooDeep(std::string_view text) {
  constexpr int kMaxDepth = 32;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (letter == '"') in_string = !in_string;
    if (letter == '\\' && in_string) ++i;
    if (in_string) continue;
    if (letter == '[' || letter == '{') ++depth;
    if (letter == ']' || letter == '}') --depth;
    if (depth > kMaxDepth) return true;
  }
  return false;
}

void WriteEpochs(const Descriptor& type, nlohmann::ordered_json& object);

void WriteEpochsOfElement(const FieldDescriptor& field, nlohmann::ordered_json& value) {
  if (field.type() == FieldDescriptor::TYPE_FIXED64) {
    value = EpochName(std::stoull(value.get<std::string>()));  // protobuf writes the number as text
  } else if (field.type() == FieldDescriptor::TYPE_MESSAGE && value.is_object() &&
             field.message_type()->file()->package() != "google.protobuf") {
    WriteEpochs(*field.message_type(), value);
  }
}

// The contract's fixed64 are epochs, which people and programs meet in hexadecimal everywhere else.
void WriteEpochs(const Descriptor& type, nlohmann::ordered_json& object) {
  for (auto& [key, value] : object.items()) {
    const auto* field = type.FindFieldByName(key);
    if (field == nullptr || field->is_map()) continue;
    if (!field->is_repeated()) {
      WriteEpochsOfElement(*field, value);
      continue;
    }
    for (auto& element : value) WriteEpochsOfElement(*field, element);
  }
}

const EnumDescriptor* FindEnum(const std::string& name) {
  return google::protobuf::DescriptorPool::generated_pool()->FindEnumTypeByName("tillwire.v1." + name);
}

std::string WordOf(const EnumDescriptor& type, const google::protobuf::EnumValueDescriptor& value) {
  std::string word = value.name().substr(PrefixOf(type).size());
  std::transform(word.begin(), word.end(), word.begin(), [](char letter) {
    if (letter == '_') return '-';
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  return word;
}

}  // namespace

Result<void> ParseJson(std::string_view text, google::protobuf::Message& message) {
  if (NestsTooDeep(text))
    return Invalid("the input nests too deep", "write the fields as the contract has them");
  json document;
  try {
    document = json::parse(text);
  } catch (const json::parse_error& error) {
    return Invalid("the input is no valid JSON at byte " + std::to_string(error.byte), "correct it there");
  } catch (const json::exception&) {
    return Invalid("the input has a number that is too large", "write numbers as the contract has them");
  }
  if (auto result = CompleteEnums(*message.GetDescriptor(), "", document); !result) return result;
  message.Clear();
  const auto status = google::protobuf::util::JsonStringToMessage(document.dump(), &message);
  if (status.ok()) return {};
  return Invalid("the input does not fit " + message.GetDescriptor()->name() + ": " +
                     Excerpt({status.message().data(), status.message().size()}, kParserWords),
                 "see tillwire/v1/*.proto for the fields' types");
}

std::vector<std::string> EnumWords(const std::string& enum_name) {
  std::vector<std::string> words;
  const auto* type = FindEnum(enum_name);
  for (int i = 1; type != nullptr && i < type->value_count(); ++i) {
    words.push_back(WordOf(*type, *type->value(i)));
  }
  return words;
}

std::string EnumWord(const std::string& enum_name, const std::string& value) {
  const auto* type = FindEnum(enum_name);
  const auto* found = type == nullptr ? nullptr : type->FindValueByName(value);
  return found == nullptr ? std::string() : WordOf(*type, *found);
}

std::string ToJson(const google::protobuf::Message& message, JsonLayout layout) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  // Only text that is not UTF-8 can fail here, and no message of ours holds any: it was checked on its way
  // in.
  if (!status.ok()) return "{}";
  auto document = nlohmann::ordered_json::parse(text);
  WriteEpochs(*message.GetDescriptor(), document);
  return layout == JsonLayout::kIndented ? document.dump(1) : document.dump();
}

}  // namespace tillwire
