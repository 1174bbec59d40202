// Every few seconds: has the register look again for what is missing of terminals that are away, and the
// ledger keep what changed of it, in one transaction with whatever else commits then.
#pragma once

#include <chrono>
#include <memory>

#include "core/clock.h"
#include "ingest/ledger/ledger.h"
#include "ingest/oversight/terminal_register.h"
#include "storage/group_commit.h"

namespace asio {
class io_context;
}  // namespace asio

namespace tillwire {

// Lives on the thread that runs `io`; what it is given outlives it.
class RegisterKeeper {
 public:
  static constexpr std::chrono::seconds kEvery{5};

  RegisterKeeper(asio::io_context& io, Ledger& ledger, GroupCommit& commit, const Clock& clock,
                 TerminalRegister& terminals);
  ~RegisterKeeper();
  RegisterKeeper(const RegisterKeeper&) = delete;
  RegisterKeeper& operator=(const RegisterKeeper&) = delete;

  void Start();
  // Returns when all that has changed is durable, or can't be written. Needs `commit`, and no running `io`.
  void Finish();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tillwire
