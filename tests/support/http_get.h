// One HTTP request on loopback.
#pragma once

#include <cstdint>
#include <string>

namespace tillwire {

struct HttpReply {
  int status = 0;  // 0: nothing that is HTTP came back, or no connection was made
  std::string headers;
  std::string body;
};

// Returns when the server has closed the connection, or said nothing for ten seconds.
HttpReply HttpRequest(std::uint16_t port, const std::string& method, const std::string& path,
                      const std::string& more_headers = "");
inline HttpReply HttpGet(std::uint16_t port, const std::string& path) {
  return HttpRequest(port, "GET", path);
}
// Connects and says nothing, until it is closed by the caller. Throws std::system_error.
int OpenConnection(std::uint16_t port);

}  // namespace tillwire
