// Naming the field whose text is not UTF-8. Protobuf refuses such a message as a whole, without a word on the
// field.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace google::protobuf {
class Descriptor;
}  // namespace google::protobuf

namespace tillwire {

// The path of the first string in a serialized message of that type that is not UTF-8, as
// "order_cancellation.lines[3].sku" or "order_cancellation.external_order_ids[\"storefront\"]". Nothing if
// all are, or if the bytes are no message at all.
std::optional<std::string> FindInvalidUtf8(std::string_view message,
                                           const google::protobuf::Descriptor& descriptor);

}  // namespace tillwire
