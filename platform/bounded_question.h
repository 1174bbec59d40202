// Asking another thread something without being at its mercy.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/result.h"

namespace tillwire {

// Used by one thread. While a question is unanswered no other is asked, so a thread that hangs does not find
// a queue of them when it comes back.
template <typename T>
class BoundedQuestion {
 public:
  // `ask` hands the question over and returns; `done` is called once, on any thread, also after this has
  // gone.
  using Ask = std::function<void(std::function<void(Result<T>)> done)>;
  explicit BoundedQuestion(Ask ask) : ask_(std::move(ask)) {}

  // Waits that long for an answer, to the question that is open if there is one. Nothing if none came.
  std::optional<Result<T>> Answer(std::chrono::milliseconds timeout) {
    std::unique_lock lock(state_->mutex);
    if (!state_->open) {
      state_->open = true;
      state_->answer.reset();
      lock.unlock();
      ask_([state = state_](Result<T> answer) {
        const std::lock_guard guard(state->mutex);
        state->answer = std::move(answer);
        state->open = false;
        state->answered.notify_one();
      });
      lock.lock();
    }
    if (!state_->answered.wait_for(lock, timeout, [this] { return !state_->open; })) return std::nullopt;
    return std::exchange(state_->answer, std::nullopt);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable answered;
    bool open = false;
    std::optional<Result<T>> answer;
  };

  const Ask ask_;
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tillwire
