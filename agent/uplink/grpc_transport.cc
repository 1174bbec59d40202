#include "agent/uplink/grpc_transport.h"

#include <grpcpp/grpcpp.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "proto/write_back_codec.h"
#include "tillwire/v1/ingestion.grpc.pb.h"

namespace tillwire {
namespace {

constexpr int kMaxMessageBytes = 64 << 20;  // a Welcome lists every parked sequence
constexpr int kLookupTimeoutMs = 10'000;    // of a name; the library's own is longer than an answer may take

bool Mentions(const std::string& text, std::initializer_list<std::string_view> signs) {
  for (const std::string_view sign : signs) {
    if (text.find(sign) != std::string::npos) return true;
  }
  return false;
}

// How gRPC 1.51 words a name that could not be looked up.
bool IsLookupFailure(const grpc::Status& status) {
  return Mentions(status.error_message(), {"DNS resolution failed"});
}

// gRPC's words without those for itself, as in "failed to connect to all addresses; last error: UNKNOWN:
// ...", and "recvmsg:No route to host".
std::string ForPeople(const std::string& text) {
  constexpr std::string_view kBeforeStatus = "last error: ";
  std::size_t begin = text.find(kBeforeStatus);
  if (begin != std::string::npos) {
    const std::size_t status_end = text.find(": ", begin + kBeforeStatus.size());
    begin = status_end == std::string::npos ? begin : status_end + 2;
  } else {
    begin = text.starts_with("recvmsg:") ? text.find(':') + 1 : 0;
  }
  return text.substr(begin);
}

// What there is to say of a connection or an attempt that failed for want of a network. Of gRPC's words only
// those that are meant for a person are passed on as they are.
StreamEnd Unreachable(const grpc::Status& status, const std::string& server) {
  const std::string& text = status.error_message();
  const std::string remedy = "check the network, uplink.server, and that tillwire-ingestd runs there";
  if (IsLookupFailure(status)) {
    // Its words for a person stand behind those for itself.
    const std::string reason =
        Mentions(text, {"cancelled"}) ? "no name server has answered" : text.substr(text.rfind(": ") + 2);
    return {
        UplinkProblem::kUnreachable,
        "no connection to " + server + ": its name can't be looked up: " + reason,
        "check the network, the name in uplink.server, and this terminal's name server (/etc/resolv.conf)"};
  }
  if (Mentions(text, {"keepalive watchdog timeout"})) {
    return {UplinkProblem::kUnreachable,
            "no connection to " + server + ": it went silent, and did not answer a probe in time", remedy};
  }
  return {UplinkProblem::kUnreachable, "no connection to " + server + ": " + ForPeople(text), remedy};
}

StreamEnd Explain(const grpc::Status& status, const std::string& server) {
  const std::string& text = status.error_message();
  // How gRPC 1.51 words a handshake that failed, and an answer that is HTTP, but not gRPC's.
  if (Mentions(text, {"Ssl handshake", "SSL_ERROR", "certificate", "TSI_", "handshake failed"})) {
    return {UplinkProblem::kCertificate, "no trusted connection to " + server + ": " + text,
            "check the server's certificate (its name, its dates, who signed it), uplink.tls, uplink.ca_file "
            "and this "
            "terminal's clock"};
  }
  const std::string portal_remedy =
      "a captive portal, a proxy or a web server is in between: log in to the network, or check "
      "uplink.server";
  // The status is that of the answer: where that is 200, it failed for "OK".
  if (Mentions(text, {"last error: OK", "http1.x"})) {
    return {UplinkProblem::kCaptivePortal, server + " answers in HTTP/1.1, not as a gRPC server does",
            portal_remedy};
  }
  if (Mentions(text, {"HTTP/1", "Received http2 header with status", "content-type", "Missing :status header",
                      "Failed parsing HTTP/2"})) {
    return {UplinkProblem::kCaptivePortal, server + " answers, but not as a gRPC server does: " + text,
            portal_remedy};
  }
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return {UplinkProblem::kWrongServer,
            server + " is a gRPC server, but no Tillwire ingestion service: " + text, "check uplink.server"};
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return {UplinkProblem::kRefused, "the server refuses this terminal: " + text,
              "let the centre's operators admit store and terminal"};
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return {UplinkProblem::kUnreachable, server + " has no room: " + text,
              "none is needed here: it is tried again; the centre's operators may raise its limits"};
    case grpc::StatusCode::OK:
      return {UplinkProblem::kUnreachable, "the server ended the stream",
              "none is needed: it is tried again"};
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ABORTED:
      return {UplinkProblem::kBroken, "the server ended the stream: " + text,
              "check that agent and server are of versions that go together"};
    default:
      return Unreachable(status, server);
  }
}

// kNotFound if the authorities can't be read.
Result<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(const GrpcTransportOptions& options) {
  if (!options.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  if (!options.ca_file.empty()) {
    std::ifstream file(options.ca_file, std::ios::binary);
    ssl.pem_root_certs.assign(std::istreambuf_iterator<char>(file), {});
    if (ssl.pem_root_certs.empty()) {
      return Error{ErrorCode::kNotFound, "uplink.ca_file " + options.ca_file + " can't be read, or is empty",
                   "put the centre's CA certificates there (PEM), readable for the agent"};
    }
  }
  return grpc::SslCredentials(ssl);
}

// To options.server, or to `address` in its stead.
std::shared_ptr<grpc::Channel> MakeChannel(const GrpcTransportOptions& options, const std::string& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options.keepalive_time.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(options.keepalive_timeout.count()));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A connection that got stuck must not be found again through gRPC's shared pool.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Trying again is the uplink's business, and the configured address is meant literally.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, kLookupTimeoutMs);
  // The certificate is to be the configured server's, by whatever address it was reached.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, options.server);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace

// How many streams gRPC is not done with. They post to the loop until the last moment, so it must outlive
// them.
class GrpcTransport::OpenStreams {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void Remove() {
    const std::lock_guard lock(mutex_);
    --count_;
    none_.notify_all();
  }
  void AwaitNone() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int count_ = 0;
};

// One call on one channel. It keeps itself alive until gRPC is done with it.
class GrpcTransport::Stream final
    : public grpc::ClientBidiReactor<v1::WriteBackRequest, v1::WriteBackResponse>,
      public std::enable_shared_from_this<Stream> {
 public:
  // Both handlers run on `io`'s thread, in order; none after Close() was called there.
  struct Handlers {
    std::function<void(ToAgent, const std::string& peer)>
        message;  // the peer's address, as a channel takes it
    std::function<void(StreamEnd, bool lookup_failed)> closed;
  };

  Stream(asio::io_context& io, const GrpcTransportOptions& options, const std::string& address,
         const std::shared_ptr<grpc::ChannelCredentials>& credentials, OpenStreams& open, Handlers handlers)
      : io_(io),
        open_(open),
        server_(address == options.server ? address : options.server + " at its last address " + address),
        handlers_(std::move(handlers)),
        channel_(MakeChannel(options, address, credentials)),
        stub_(v1::IngestionService::NewStub(channel_)) {}

  void Start() {
    self_ = shared_from_this();
    open_.Add();
    stub_->async()->WriteBack(&context_, this);
    AddHold();  // so that Send() may write outside of gRPC's callbacks
    StartRead(&incoming_);
    StartCall();
  }

  void Send(ToCentre message) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    queue_.push_back(std::move(message));
    if (!writing_) WriteNext();
  }

  // On the io thread: no handler is called any more.
  void Close() {
    closed_ = true;
    End(/*cancel=*/true);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      End(/*cancel=*/false);
      return;
    }
    auto decoded = std::make_shared<Result<ToAgent>>(DecodeToAgent(std::move(incoming_)));
    if (!*decoded) {
      {
        const std::lock_guard lock(mutex_);
        nonsense_ = decoded->error().message;
      }
      End(/*cancel=*/true);
      return;
    }
    asio::post(io_, [self = shared_from_this(), decoded] {
      if (!self->closed_) self->handlers_.message(std::move(**decoded), self->context_.peer());
    });
    incoming_.Clear();
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (ok && !ended_) {
        if (!queue_.empty()) WriteNext();
        return;
      }
    }
    End(/*cancel=*/false);
  }

  void OnDone(const grpc::Status& status) override {
    StreamEnd end = Explain(status, server_);
    {
      const std::lock_guard lock(mutex_);
      if (!nonsense_.empty()) {
        end = {UplinkProblem::kBroken, "the server's message makes no sense: " + nonsense_,
               "check that agent and server are of versions that go together"};
      }
    }
    asio::post(io_, [self = shared_from_this(), end, lookup_failed = IsLookupFailure(status)] {
      if (!self->closed_) self->handlers_.closed(end, lookup_failed);
    });
    OpenStreams& open = open_;
    self_.reset();
    open.Remove();
  }

 private:
  // With the lock held.
  void WriteNext() {
    EncodeToCentre(std::move(queue_.front()), outgoing_);
    queue_.pop_front();
    writing_ = true;
    StartWrite(&outgoing_);
  }

  // Lets gRPC finish the call: it ends once the hold is gone and nothing is under way. Without `cancel` the
  // call is over already, and the server's own status is still to come. Any thread, any number of times.
  void End(bool cancel) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      ended_ = true;
      queue_.clear();
    }
    if (cancel) context_.TryCancel();
    RemoveHold();
  }

  asio::io_context& io_;
  OpenStreams& open_;
  const std::string server_;  // for people
  const Handlers handlers_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::IngestionService::Stub> stub_;
  grpc::ClientContext context_;
  std::shared_ptr<Stream> self_;  // until OnDone
  bool closed_ = false;           // io thread only

  v1::WriteBackResponse incoming_;
  std::mutex mutex_;
  v1::WriteBackRequest outgoing_;  // lives until OnWriteDone
  std::deque<ToCentre> queue_;
  bool writing_ = false;
  bool ended_ = false;
  std::string nonsense_;
};

GrpcTransport::GrpcTransport(asio::io_context& io, GrpcTransportOptions options)
    : io_(io), options_(std::move(options)), open_(std::make_unique<OpenStreams>()) {}

GrpcTransport::~GrpcTransport() {
  Close();
  open_->AwaitNone();
}

void GrpcTransport::Open() {
  Close();
  Stream::Handlers handlers;
  handlers.message = [this](ToAgent message, const std::string& peer) {
    good_address_ = peer;
    if (listener_ != nullptr) listener_->OnMessage(std::move(message));
  };
  handlers.closed = [this](StreamEnd end, bool lookup_failed) {
    try_good_address_ = lookup_failed && !good_address_.empty();
    if (try_good_address_) end.message += "; its last address, " + good_address_ + ", is tried next";
    if (listener_ != nullptr) listener_->OnClosed(std::move(end));
  };
  const auto credentials = MakeCredentials(options_);
  if (!credentials) {
    // As any stream that fails: after this call, and not if it is closed first.
    asio::post(io_, [closed = handlers.closed, attempt = ++attempt_, this, error = credentials.error()] {
      if (attempt == attempt_) closed({UplinkProblem::kDisk, error.message, error.hint}, false);
    });
    return;
  }
  const std::string address = std::exchange(try_good_address_, false) ? good_address_ : options_.server;
  stream_ = std::make_shared<Stream>(io_, options_, address, *credentials, *open_, std::move(handlers));
  stream_->Start();
}

void GrpcTransport::Send(ToCentre message) {
  if (stream_) stream_->Send(std::move(message));
}

void GrpcTransport::Close() {
  ++attempt_;
  if (!stream_) return;
  stream_->Close();
  stream_.reset();
}

}  // namespace tillwire
