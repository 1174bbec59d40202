// Cardholder data has no place in an event (PCI DSS), so free text is searched for card numbers.
#pragma once

#include <string_view>

namespace tillwire {

// Whether the text holds 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1), in ASCII or full
// width, with nothing between them, a space or dash each, or a point, slash or underscore between groups of
// three or more. One in ten numbers of that length passes by chance, so this is for free text
// only.
bool HoldsCardNumber(std::string_view text);

}  // namespace tillwire
