#include "platform/sealed_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "core/hash.h"
#include "platform/file_descriptor.h"
#include "platform/files.h"
#include "platform/new_file.h"
#include "platform/openssl_owned.h"

namespace tillwire {
namespace {

// The head: magic, version, fingerprint of the public key, length of the sealed key (16 bits, big-endian),
// the sealed key.
constexpr std::string_view kMagic = "TWSEALED";
constexpr char kVersion = 1;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kFixedHeadBytes = kMagic.size() + 1 + kHashBytes + kLengthBytes;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kMessageLengthBytes = 4;
constexpr mode_t kMode = 0600;

using CipherContext = OpensslOwned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

void AppendBigEndian(std::string& target, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) target.push_back(static_cast<char>(value >> (8 * (width - 1 - i))));
}

std::uint64_t BigEndianAt(std::string_view bytes, std::size_t offset, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8U | static_cast<std::uint8_t>(bytes[offset + i]);
  return value;
}

const unsigned char* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* Unsigned(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// Seals and opens the chunks of one file. No nonce repeats: the key is the file's own, and a nonce is the
// chunk's number and whether it is the last.
class ChunkCipher {
 public:
  ChunkCipher(std::string key, std::string_view head) : key_(std::move(key)), head_(Sha256(head)) {}

  // Nothing if the library fails.
  [[nodiscard]] std::optional<std::string> Seal(std::uint64_t number, bool last,
                                                std::string_view plain) const {
    const CipherContext context(EVP_CIPHER_CTX_new());
    std::string sealed(plain.size() + kTagBytes, '\0');
    int size = 0;
    if (!context ||
        EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Unsigned(std::string_view(key_)),
                           Nonce(number, last).data()) != 1 ||
        EVP_EncryptUpdate(context.get(), nullptr, &size, head_.bytes.data(), kHashBytes) != 1 ||
        EVP_EncryptUpdate(context.get(), Unsigned(sealed), &size, Unsigned(plain),
                          static_cast<int>(plain.size())) != 1 ||
        EVP_EncryptFinal_ex(context.get(), Unsigned(sealed) + size, &size) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                            Unsigned(sealed) + plain.size()) != 1) {
      return std::nullopt;
    }
    return sealed;
  }

  // Nothing if it is not that very chunk of that file. `sealed` has at least kTagBytes.
  [[nodiscard]] std::optional<std::string> Open(std::uint64_t number, bool last,
                                                std::string_view sealed) const {
    const CipherContext context(EVP_CIPHER_CTX_new());
    std::string tag(sealed.substr(sealed.size() - kTagBytes));
    const std::string_view body = sealed.substr(0, sealed.size() - kTagBytes);
    std::string plain(body.size(), '\0');
    int size = 0;
    if (!context ||
        EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Unsigned(std::string_view(key_)),
                           Nonce(number, last).data()) != 1 ||
        EVP_DecryptUpdate(context.get(), nullptr, &size, head_.bytes.data(), kHashBytes) != 1 ||
        EVP_DecryptUpdate(context.get(), Unsigned(plain), &size, Unsigned(body),
                          static_cast<int>(body.size())) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) != 1 ||
        EVP_DecryptFinal_ex(context.get(), Unsigned(plain) + size, &size) != 1) {
      return std::nullopt;
    }
    return plain;
  }

 private:
  static std::array<unsigned char, kNonceBytes> Nonce(std::uint64_t number, bool last) {
    std::array<unsigned char, kNonceBytes> nonce{};
    nonce[0] = last ? 1 : 0;
    for (std::size_t i = 0; i < 8; ++i)
      nonce[kNonceBytes - 1 - i] = static_cast<unsigned char>(number >> (8 * i));
    return nonce;
  }

  const std::string key_;
  const Hash head_;
};

Error CipherFailed() {
  return {ErrorCode::kInternal, "OpenSSL can't encrypt with AES-256-GCM",
          "look at the installation of OpenSSL"};
}

// "1f2e3d4c..." as people compare keys.
std::string Short(const Hash& fingerprint) {
  return fingerprint.ToHex().substr(0, 16);
}

}  // namespace

class SealedFileWriter::Impl {
 public:
  Impl(NewFile file, ChunkCipher cipher) : file_(std::move(file)), cipher_(std::move(cipher)) {}

  Result<void> Put(std::string_view bytes) {
    bytes_ += bytes.size();
    return file_.Write(bytes);
  }

  Result<void> Write(std::string_view message) {
    if (message.size() > kMaxSealedMessageBytes) {
      return Error{ErrorCode::kInvalidArgument,
                   "a message of " + std::to_string(message.size()) + " bytes is too long for a sealed file",
                   "the limit is " + std::to_string(kMaxSealedMessageBytes)};
    }
    AppendBigEndian(plain_, message.size(), kMessageLengthBytes);
    plain_.append(message);
    std::size_t sealed = 0;
    // What is left over may be the last chunk, so at least a byte of it must be.
    while (plain_.size() - sealed > kSealedChunkBytes) {
      if (auto put = PutChunk(std::string_view(plain_).substr(sealed, kSealedChunkBytes), false); !put)
        return put;
      sealed += kSealedChunkBytes;
    }
    plain_.erase(0, sealed);
    return {};
  }

  Result<void> Finish() {
    if (auto put = PutChunk(plain_, true); !put) return put;
    return file_.Finish();
  }

  [[nodiscard]] std::uint64_t Bytes() const { return bytes_; }

 private:
  Result<void> PutChunk(std::string_view plain, bool last) {
    const auto sealed = cipher_.Seal(chunks_++, last, plain);
    if (!sealed) return CipherFailed();
    return Put(*sealed);
  }

  NewFile file_;
  const ChunkCipher cipher_;
  std::string plain_;  // not sealed yet
  std::uint64_t chunks_ = 0;
  std::uint64_t bytes_ = 0;
};

Result<std::unique_ptr<SealedFileWriter>> SealedFileWriter::Create(const std::filesystem::path& path,
                                                                   const SealingKey& key) {
  std::string secret(kKeyBytes, '\0');
  if (RAND_bytes(Unsigned(secret), static_cast<int>(secret.size())) != 1) {
    return Error{ErrorCode::kInternal, "OpenSSL has no randomness", "look at the installation of OpenSSL"};
  }
  const auto sealed_key = key.Seal(secret);
  if (!sealed_key) return sealed_key.error();
  std::string head(kMagic);
  head.push_back(kVersion);
  head.append(key.Fingerprint().AsBytes());
  AppendBigEndian(head, sealed_key->size(), kLengthBytes);
  head.append(*sealed_key);
  auto file = NewFile::Create(path, kMode);
  if (!file) return file.error();
  auto impl = std::make_unique<Impl>(std::move(*file), ChunkCipher(std::move(secret), head));
  if (auto put = impl->Put(head); !put) return put.error();
  return std::unique_ptr<SealedFileWriter>(new SealedFileWriter(std::move(impl)));
}

SealedFileWriter::SealedFileWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SealedFileWriter::~SealedFileWriter() = default;
Result<void> SealedFileWriter::Write(std::string_view message) {
  return impl_->Write(message);
}
Result<void> SealedFileWriter::Finish() {
  return impl_->Finish();
}
std::uint64_t SealedFileWriter::Bytes() const {
  return impl_->Bytes();
}

class SealedFileReader::Impl {
 public:
  Impl(std::filesystem::path path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  Result<void> ReadHead(const OpeningKey& key) {
    if (auto filled = Fill(kFixedHeadBytes); !filled) return filled;
    if (!ahead_.starts_with(kMagic)) {
      return Error{ErrorCode::kInvalidArgument, path_.string() + " is no export file of Tillwire",
                   "give a file that tillwire export has written"};
    }
    if (ahead_.size() > kMagic.size() && ahead_[kMagic.size()] != kVersion) {
      return Error{ErrorCode::kFailedPrecondition,
                   path_.string() + " has version " +
                       std::to_string(static_cast<unsigned char>(ahead_[kMagic.size()])) +
                       " of the sealed format, this program knows version " + std::to_string(kVersion),
                   "use a newer tillwire-ingestd, or copy the file again if it was damaged"};
    }
    if (ahead_.size() < kFixedHeadBytes) return CutOff();
    const std::string_view fingerprint = std::string_view(ahead_).substr(kMagic.size() + 1, kHashBytes);
    if (fingerprint != key.Fingerprint().AsBytes()) {
      return Error{ErrorCode::kInvalidArgument,
                   path_.string() + " is sealed for the key " + Short(Hash::FromBytes(fingerprint).value()) +
                       ", not for this one, " + Short(key.Fingerprint()),
                   "give the private key that belongs to the public key that the terminal was given"};
    }
    const std::size_t length = BigEndianAt(ahead_, kFixedHeadBytes - kLengthBytes, kLengthBytes);
    if (length != key.SealedBytes()) return Altered();
    if (auto filled = Fill(kFixedHeadBytes + length); !filled) return filled;
    if (ahead_.size() < kFixedHeadBytes + length) return CutOff();
    const std::string head = ahead_.substr(0, kFixedHeadBytes + length);
    ahead_.erase(0, head.size());
    auto secret = key.Open(std::string_view(head).substr(kFixedHeadBytes));
    if (!secret || secret->size() != kKeyBytes) return Altered();
    cipher_.emplace(std::move(*secret), head);
    return {};
  }

  Result<std::optional<std::string>> Read() {
    if (auto filled = FillPlain(kMessageLengthBytes); !filled) return filled.error();
    if (plain_.size() == taken_) return std::optional<std::string>();
    if (plain_.size() - taken_ < kMessageLengthBytes) return Malformed();
    const std::size_t size = BigEndianAt(plain_, taken_, kMessageLengthBytes);
    if (size > kMaxSealedMessageBytes) return Malformed();
    if (auto filled = FillPlain(kMessageLengthBytes + size); !filled) return filled.error();
    if (plain_.size() - taken_ < kMessageLengthBytes + size) return Malformed();
    std::optional<std::string> message = plain_.substr(taken_ + kMessageLengthBytes, size);
    taken_ += kMessageLengthBytes + size;
    return message;
  }

 private:
  // Reads until so many bytes of the file are ahead, or it ends.
  Result<void> Fill(std::size_t wanted) {
    std::array<char, kSealedChunkBytes> buffer{};
    while (ahead_.size() < wanted) {
      const ssize_t got = read(file_.Get(), buffer.data(), std::min(buffer.size(), wanted - ahead_.size()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FileError("read", path_, errno);
      if (got == 0) break;
      ahead_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return {};
  }

  // Opens chunks until so many bytes wait to be taken, or the last chunk is open.
  Result<void> FillPlain(std::size_t wanted) {
    while (!last_open_ && plain_.size() - taken_ < wanted) {
      plain_.erase(0, taken_);
      taken_ = 0;
      constexpr std::size_t kWhole = kSealedChunkBytes + kTagBytes;
      // One byte more says whether another chunk follows.
      if (auto filled = Fill(kWhole + 1); !filled) return filled;
      const bool last = ahead_.size() <= kWhole;
      if (ahead_.size() < kTagBytes) return CutOff();
      const std::string_view sealed = std::string_view(ahead_).substr(0, kWhole);
      const auto plain = cipher_->Open(chunks_, last, sealed);
      if (!plain) return last && cipher_->Open(chunks_, false, sealed) ? CutOff() : Altered();
      ++chunks_;
      last_open_ = last;
      plain_.append(*plain);
      ahead_.erase(0, sealed.size());
    }
    return {};
  }

  [[nodiscard]] Error CutOff() const {
    return {ErrorCode::kDataLoss, path_.string() + " is cut off: its end is missing",
            "copy it again from where it was written, or export again"};
  }
  [[nodiscard]] Error Altered() const {
    return {ErrorCode::kDataLoss, path_.string() + " was altered or cut off after it was written",
            "copy it again from where it was written, or export again"};
  }
  // Authentic, but not what the writer makes.
  [[nodiscard]] Error Malformed() const {
    return {ErrorCode::kDataLoss, path_.string() + " does not hold whole messages",
            "export again with a version of tillwire that goes with this program"};
  }

  const std::filesystem::path path_;
  const FileDescriptor file_;
  std::optional<ChunkCipher> cipher_;
  std::string ahead_;  // read from the file, not opened
  std::string plain_;  // opened; taken up to taken_
  std::size_t taken_ = 0;
  std::uint64_t chunks_ = 0;
  bool last_open_ = false;
};

Result<std::unique_ptr<SealedFileReader>> SealedFileReader::Open(const std::filesystem::path& path,
                                                                 const OpeningKey& key) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.IsOpen()) return FileError("open", path, errno);
  auto impl = std::make_unique<Impl>(path, std::move(file));
  if (auto head = impl->ReadHead(key); !head) return head.error();
  return std::unique_ptr<SealedFileReader>(new SealedFileReader(std::move(impl)));
}

SealedFileReader::SealedFileReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SealedFileReader::~SealedFileReader() = default;
Result<std::optional<std::string>> SealedFileReader::Read() {
  return impl_->Read();
}

}  // namespace tillwire
