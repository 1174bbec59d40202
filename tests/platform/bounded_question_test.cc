#include "platform/bounded_question.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

namespace tillwire {
namespace {

using namespace std::chrono_literals;

TEST_CASE("An answer that comes at once, or from another thread, is given") {
  BoundedQuestion<int> at_once([](const auto& done) { done(7); });
  CHECK(at_once.Answer(1s)->value() == 7);
  std::thread other;
  BoundedQuestion<int> later([&](auto done) { other = std::thread([done] { done(8); }); });
  CHECK(later.Answer(10s)->value() == 8);
  other.join();
  BoundedQuestion<int> failed([](const auto& done) { done(Error{ErrorCode::kUnavailable, "no", ""}); });
  CHECK(failed.Answer(1s)->error().message == "no");
}

TEST_CASE("A thread that hangs is asked once, and its late answer serves whoever waits then") {
  std::vector<std::function<void(Result<int>)>> open;
  bool hangs = true;
  BoundedQuestion<int> question([&](auto done) { hangs ? open.push_back(std::move(done)) : done(2); });
  CHECK_FALSE(question.Answer(10ms));
  CHECK_FALSE(question.Answer(10ms));
  REQUIRE(open.size() == 1);
  open[0](1);
  CHECK_FALSE(question.Answer(10ms));  // asked anew: what came meanwhile is old
  REQUIRE(open.size() == 2);
  // If this thread is quicker than the next line, the answer is old by then, and a new question gets the
  // same.
  hangs = false;
  std::thread late([&] { open[1](2); });
  CHECK(question.Answer(10s)->value() == 2);
  late.join();
}

}  // namespace
}  // namespace tillwire
