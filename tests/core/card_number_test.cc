#include "core/card_number.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("A card number is found however it is written") {
  const auto* text =
      GENERATE("4111111111111111",     // Visa, 16 digits
               "378282246310005",      // American Express, 15
               "4222222222222",        // Visa, 13
               "6304000000000000000",  // Maestro, 19
               "4111 1111 1111 1111",  // as printed on the card
               "4111-1111-1111-1111",  //
               "4111/1111/1111/1111",  //
               "4111_1111_1111_1111",  //
               "4111.1111.1111.1111",  //
               "3782.822463.10005",    // American Express, in its groups
               "\xEF\xBC\x94\xEF\xBC\x91\xEF\xBC\x91\xEF\xBC\x91 1111 1111 1111",  // full-width digits
               "4111\xC2\xA0"
               "1111\xE2\x80\x93"
               "1111 1111",                          // a no-break space, an en dash
               "paid with 4111111111111111, sorry",  // in a sentence
               "ref 12 4111111111111111",            // behind another number
               "4111 1111 1111 1111 12/29",          // before its expiry date
               "x4111111111111111x");
  CHECK(HoldsCardNumber(text));
}

TEST_CASE("Other text holds none") {
  const auto* text = GENERATE("", "customer changed her mind",
                              "4111111111111112",         // fails the check
                              "411111111111",             // 12 digits
                              "41111111111111111111",     // 20 digits
                              "4111  1111 1111 1111",     // two spaces: not one number
                              "4111,1111,1111,1111",      //
                              "41/11/11/11/11/11/11/11",  // no card's groups: dates may look so
                              "04.05.2026 18.00 000001",  //
                              "order 100023 of 2026-05-04");
  CHECK_FALSE(HoldsCardNumber(text));
}

}  // namespace
}  // namespace tillwire
