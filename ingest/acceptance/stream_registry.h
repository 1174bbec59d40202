// Which streams may write. Of one agent process only the newest stream counts: records that an older one
// still carries through the network must not arrive after the agent has read a Welcome and drawn its
// conclusions. Different processes of one terminal (an outbox that was copied) never evict each other: they
// would take turns for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>

#include "core/uuid.h"
#include "ingest/ledger/ledger.h"

namespace tillwire {

// Any thread may call.
class StreamRegistry {
 public:
  using Ticket = std::uint64_t;

  struct Opened {
    Ticket ticket = 0;
    // Another process of this terminal has a stream open.
    bool duplicate_terminal = false;
  };

  // Makes this the instance's stream and calls `superseded` of the one before, if that is open, on this
  // thread. Nothing if a newer generation was seen; of two with the same generation the later call wins.
  std::optional<Opened> Open(const StreamIdentity& identity, const Uuid& instance, std::uint64_t generation,
                             std::function<void()> superseded);
  void Close(Ticket ticket);
  // Whether the stream is its instance's newest still. Asked on the thread that commits.
  [[nodiscard]] bool MayWrite(Ticket ticket) const;
  // Streams that are open.
  [[nodiscard]] std::size_t OpenStreams() const;

 private:
  // Instances without a stream that are remembered for each terminal, so that a stream of theirs that is late
  // by whole connections is refused as well.
  static constexpr std::size_t kMaxIdleInstances = 4;

  struct Instance {
    Uuid id;
    std::uint64_t generation = 0;
    Ticket newest = 0;
    std::map<Ticket, std::function<void()>> open;
  };
  using Instances = std::list<Instance>;  // of one terminal, the one seen last at the end

  struct Place {
    StreamIdentity identity;
    Instances::iterator instance;
  };

  static void ForgetIdle(Instances& instances);

  mutable std::mutex mutex_;
  std::map<StreamIdentity, Instances> terminals_;
  std::map<Ticket, Place> places_;
  Ticket last_ticket_ = 0;
};

}  // namespace tillwire
