// Where a program listens or connects, as configuration files give it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tillwire {

struct NetworkAddress {
  std::string host;        // a name or a number; IPv6 without its brackets
  std::uint16_t port = 0;  // 0 where the system shall choose
};

// "host:port"; an IPv6 address stands in brackets. Nothing where the text has another form.
std::optional<NetworkAddress> ParseNetworkAddress(std::string_view text);

// By the host's name alone, of which only "localhost" counts: what another one resolves to may change after
// the check.
bool IsLoopback(std::string_view host);

// Why "host:port" can't be listened on, in the system's words, for a server whose library keeps that to
// itself. It tries, so it takes the port for an instant.
std::optional<std::string> WhyNoListening(const std::string& address);

}  // namespace tillwire
