#include "platform/log_format.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

namespace tillwire {
namespace {

constexpr std::int64_t kTime = 1'764'059'400'000'042;  // 2025-11-25T08:30:00.000042Z

std::string Json(std::string_view text) {
  return JsonLogText(FromMicros(kTime), "info", text);
}

TEST_CASE("A line becomes an object with its pairs as members") {
  CHECK(Json("uplink: connected server=127.0.0.1:7400 pending=3") ==
        R"({"time":"2025-11-25T08:30:00.000042Z","level":"info","part":"uplink","message":"connected",)"
        R"("server":"127.0.0.1:7400","pending":"3"})");
}

TEST_CASE("Quotes around a value go, and those inside it stay") {
  const auto line = nlohmann::json::parse(
      Json(R"(uplink: not connected attempts=3 error="no route to "centre": x=1" remedy="look at "a"")"));
  CHECK(line["message"] == "not connected");
  CHECK(line["attempts"] == "3");
  CHECK(line["error"] == R"(no route to "centre": x=1)");
  CHECK(line["remedy"] == R"(look at "a")");
}

TEST_CASE("A value without quotes ends where the next pair begins") {
  const auto line = nlohmann::json::parse(Json("ingest: stream opened store=Store 42 terminal= epochs=2"));
  CHECK(line["store"] == "Store 42");
  CHECK(line["terminal"].get<std::string>().empty());
  CHECK(line["epochs"] == "2");
}

TEST_CASE("What has no part or no pairs is a message") {
  const auto plain = nlohmann::json::parse(Json("Something: Else happened; a == b"));
  CHECK(plain["part"].get<std::string>().empty());
  CHECK(plain["message"] == "Something: Else happened; a == b");
  CHECK(plain.size() == 4);
  CHECK(nlohmann::json::parse(Json(""))["message"].get<std::string>().empty());
  const auto cut = nlohmann::json::parse(Json("agent: odd a=\"open end"));
  CHECK(cut["a"] == "\"open end");
}

TEST_CASE("A name that is taken gets a number") {
  const auto line = nlohmann::json::parse(Json("agent: x time=a level=b a=1 a=2 a=3"));
  CHECK(line["time"] == "2025-11-25T08:30:00.000042Z");
  CHECK(line["time_2"] == "a");
  CHECK(line["level_2"] == "b");
  CHECK(line["a"] == "1");
  CHECK(line["a_2"] == "2");
  CHECK(line["a_3"] == "3");
}

TEST_CASE("Whatever bytes a value has, the line is one line of valid JSON") {
  std::mt19937 random(20251125);
  for (int i = 0; i < 2'000; ++i) {
    std::string text = "part: message key=\"";
    for (std::size_t k = random() % 40; k > 0; --k) text += static_cast<char>(random() % 256);
    text += "\" other=";
    for (std::size_t k = random() % 10; k > 0; --k) text += static_cast<char>(random() % 256);
    INFO(i);
    const std::string json = Json(text);
    REQUIRE(nlohmann::json::accept(json));
    REQUIRE(json.find('\n') == std::string::npos);
    REQUIRE(nlohmann::json::parse(json).contains("key"));
  }
}

TEST_CASE("In a line of text control characters are shown, not obeyed") {
  CHECK(PlainLogText("uplink: x error=\"two\nlines\"") == "uplink: x error=\"two\\nlines\"");
  CHECK(PlainLogText(std::string("a\x1b[2Jb\x7f\0c", 9)) == "a\\x1b[2Jb\\x7f\\x00c");
  CHECK(PlainLogText("Müller") == "Müller");
}

}  // namespace
}  // namespace tillwire
