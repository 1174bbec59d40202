// Owning OpenSSL's objects. Only the few files that use OpenSSL include it.
#pragma once

#include <memory>

namespace tillwire {

template <auto Free>
struct OpensslDeleter {
  template <typename Thing>
  void operator()(Thing* thing) const {
    Free(thing);
  }
};

// OpensslOwned<EVP_PKEY, EVP_PKEY_free>
template <typename Thing, auto Free>
using OpensslOwned = std::unique_ptr<Thing, OpensslDeleter<Free>>;

}  // namespace tillwire
