#include "proto/utf8_check.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <limits>
#include <map>

#include "core/text.h"

namespace tillwire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

bool Parse(std::string_view bytes, UnknownFieldSet& fields) {
  if (bytes.size() > std::numeric_limits<int>::max()) return false;
  return fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// Whether a key may stand in an error message and a log.
bool IsPresentable(const std::string& key) {
  constexpr std::size_t kMaxBytes = 64;
  return key.size() <= kMaxBytes &&
         std::none_of(key.begin(), key.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; });
}

// An entry of a map travels as a message of key (1) and value (2).
std::optional<std::string> FindInMapEntry(std::string_view bytes, const Descriptor& entry,
                                          const std::string& path) {
  UnknownFieldSet fields;
  if (!Parse(bytes, fields)) return std::nullopt;
  std::string key;
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() == entry.map_key()->number() && field.type() == UnknownField::TYPE_LENGTH_DELIMITED &&
        entry.map_key()->type() == FieldDescriptor::TYPE_STRING) {
      key = field.length_delimited();
      if (!IsUtf8(key)) return path + " (a key)";
    }
  }
  if (!FindInvalidUtf8(bytes, entry)) return std::nullopt;
  return IsPresentable(key) ? path + "[\"" + key + "\"]" : path + " (a value)";
}

}  // namespace

std::optional<std::string> FindInvalidUtf8(std::string_view message, const Descriptor& descriptor) {
  UnknownFieldSet fields;
  if (!Parse(message, fields)) return std::nullopt;
  std::map<int, int> seen;  // by field number: the index of the next element of a repeated field
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& value = fields.field(i);
    const auto* field = descriptor.FindFieldByNumber(value.number());
    if (field == nullptr || value.type() != UnknownField::TYPE_LENGTH_DELIMITED) continue;
    std::string path = field->name();
    if (field->is_repeated() && !field->is_map()) path += "[" + std::to_string(seen[value.number()]++) + "]";
    const std::string& bytes = value.length_delimited();
    if (field->type() == FieldDescriptor::TYPE_STRING) {
      if (!IsUtf8(bytes)) return path;
    } else if (field->is_map()) {
      if (auto found = FindInMapEntry(bytes, *field->message_type(), path)) return found;
    } else if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
      if (const auto inner = FindInvalidUtf8(bytes, *field->message_type())) return path + "." + *inner;
    }
  }
  return std::nullopt;
}

}  // namespace tillwire
