#include "tests/support/http_get.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace tillwire {
namespace {

constexpr timeval kPatience{10, 0};

}  // namespace

int OpenConnection(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    close(descriptor);
    throw std::system_error(error, std::generic_category(), "connect");
  }
  return descriptor;
}

HttpReply HttpRequest(std::uint16_t port, const std::string& method, const std::string& path,
                      const std::string& more_headers) {
  HttpReply reply;
  int descriptor = -1;
  try {
    descriptor = OpenConnection(port);
  } catch (const std::system_error&) {
    return reply;
  }
  const std::string request =
      method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more_headers + "\r\n";
  send(descriptor, request.data(), request.size(), MSG_NOSIGNAL);
  std::string text;
  std::array<char, 4096> piece{};
  for (ssize_t size = 0; (size = recv(descriptor, piece.data(), piece.size(), 0)) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
  close(descriptor);
  const auto end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) return reply;
  reply.status = std::atoi(text.c_str() + 9);
  reply.headers = text.substr(0, end);
  reply.body = text.substr(end + 4);
  return reply;
}

}  // namespace tillwire
