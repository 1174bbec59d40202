#include "core/text.h"

#include <catch2/catch.hpp>

namespace tillwire {
namespace {

TEST_CASE("Well-formed UTF-8 is told from what is not") {
  CHECK(IsUtf8(""));
  CHECK(IsUtf8("plain"));
  CHECK(IsUtf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9B\x92"));
  CHECK(IsUtf8("\xF4\x8F\xBF\xBF"));        // U+10FFFF
  CHECK_FALSE(IsUtf8("caf\xE9"));           // a lead byte at the end
  CHECK_FALSE(IsUtf8("\x80"));              // a continuation without a lead
  CHECK_FALSE(IsUtf8("\xC3("));             // a lead without its continuation
  CHECK_FALSE(IsUtf8("\xC0\xAF"));          // overlong
  CHECK_FALSE(IsUtf8("\xED\xA0\x80"));      // a surrogate
  CHECK_FALSE(IsUtf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  CHECK_FALSE(IsUtf8("\xFF"));
}

TEST_CASE("What would move a terminal's cursor is not printed") {
  CHECK(Printable("caf\xC3\xA9 \xE4\xB8\xAD") == "caf\xC3\xA9 \xE4\xB8\xAD");
  CHECK(Printable("a\x1B[2Jb\n\x7F") == "a?[2Jb??");
  CHECK(Printable("\xC2\x9B"
                  "31m") == "?31m");  // CSI as one control character
  CHECK(Printable("caf\xE9") == "caf?");
  CHECK(Printable("\xE4\xB8") == "??");
}

TEST_CASE("An excerpt is short, and cut between letters") {
  CHECK(Excerpt("short\n") == "short?");
  CHECK(Excerpt("0123456789", 10) == "0123456789");
  CHECK(Excerpt("0123456789A", 10) == "0123456...");
  CHECK(Excerpt("012345\xC3\xA9\xC3\xA9\xC3\xA9", 10) == "012345...");
  CHECK(Excerpt(std::string(1000, '\xA9'), 10) == "...");
}

TEST_CASE("A count is digits that fit, and nothing else") {
  CHECK(ParseCount("0") == 0);
  CHECK(ParseCount("18446744073709551615") == 18446744073709551615U);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseCount(text));
  }
}

}  // namespace
}  // namespace tillwire
