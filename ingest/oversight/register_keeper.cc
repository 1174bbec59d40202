#include "ingest/oversight/register_keeper.h"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <functional>
#include <future>
#include <utility>

namespace tillwire {

class RegisterKeeper::Impl : public std::enable_shared_from_this<RegisterKeeper::Impl> {
 public:
  Impl(asio::io_context& io, Ledger& ledger, GroupCommit& commit, const Clock& clock,
       TerminalRegister& terminals)
      : ledger_(ledger), commit_(commit), clock_(clock), terminals_(terminals), timer_(io) {}

  void Arm() {
    timer_.expires_after(kEvery);
    timer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
      const auto self = weak.lock();
      if (error || !self) return;
      // One at a time: on a slow disk the next one takes more.
      if (!self->writing_.exchange(true)) self->Write([self](bool /*more*/) { self->writing_ = false; });
      self->Arm();
    });
  }

  // `done` is told whether there may be more to write.
  void Write(std::function<void(bool)> done) {
    auto written = std::make_shared<TerminalRegister::Written>();
    auto compared = std::make_shared<TerminalRegister::Comparisons>();
    commit_.Submit({[self = shared_from_this(), written, compared] {
                      LedgerTransaction& ledger = self->ledger_.Transaction();
                      *compared = self->terminals_.CompareAway(ledger);
                      *written = self->terminals_.WriteChanged(ledger);
                    },
                    [self = shared_from_this(), written, compared,
                     done = std::move(done)](const Result<void>& committed) {
                      if (committed) {
                        self->terminals_.Confirm(*written);
                        const WallTime now = self->clock_.WallNow();
                        for (const auto& [identity, facts] : *compared) {
                          self->terminals_.TakeAgain(identity, facts, now);
                        }
                      }
                      done(committed && written->size() == TerminalRegister::kWriteLimit);
                    }});
  }

  void WriteAll() {
    for (bool more = true; more;) {
      std::promise<bool> answer;
      Write([&answer](bool may_be_more) { answer.set_value(may_be_more); });
      more = answer.get_future().get();
    }
  }

  void Cancel() { timer_.cancel(); }

 private:
  Ledger& ledger_;
  GroupCommit& commit_;
  const Clock& clock_;
  TerminalRegister& terminals_;
  asio::steady_timer timer_;
  std::atomic<bool> writing_ = false;
};

RegisterKeeper::RegisterKeeper(asio::io_context& io, Ledger& ledger, GroupCommit& commit, const Clock& clock,
                               TerminalRegister& terminals)
    : impl_(std::make_shared<Impl>(io, ledger, commit, clock, terminals)) {}

RegisterKeeper::~RegisterKeeper() {
  impl_->Cancel();
}

void RegisterKeeper::Start() {
  impl_->Arm();
}

void RegisterKeeper::Finish() {
  impl_->Cancel();
  impl_->WriteAll();
}

}  // namespace tillwire
