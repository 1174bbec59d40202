#include "ingest/cli/export_key_command.h"

#include <sys/types.h>

#include <iostream>

#include "ingest/cli/connection.h"
#include "platform/new_file.h"
#include "platform/sealing_key.h"

namespace tillwire {
namespace {

constexpr mode_t kPrivateMode = 0600;
constexpr mode_t kPublicMode = 0644;

CLI::App& AddTo(CommandLine& line) {
  CLI::App& keys = line.Add({"export-key", "Make the keys that export files are sealed with", "", {}, {}});
  CommandLine::RequireCommand(keys);
  return line.Add(keys,
                  {"create",
                   "Make a pair of keys: a public one for the terminals, a private one for this place",
                   "\"tillwire export\" on a terminal seals with the public key, \"tillwire-ingestd import\" "
                   "opens with the "
                   "private one (RSA, 3072 bits). Put the public key on every terminal before it is needed. "
                   "Keep the private "
                   "key where nobody else can read it, with a copy elsewhere: what was sealed for a key that "
                   "is lost, nobody "
                   "can open.",
                   {{kExitDone, "both files are written"},
                    {kExitFailed, "not written: a file exists, or the disk failed"},
                    {kExitBadInput, "bad input"}},
                   {{"",
                     "tillwire-ingestd export-key create --private /etc/tillwire/export-private.pem \\\n"
                     "  --public centre-export.pem"}}});
}

Result<void> WriteKey(const std::string& path, mode_t mode, const std::string& pem) {
  auto file = NewFile::Create(path, mode);
  if (!file) return file.error();
  if (auto written = file->Write(pem); !written) return written;
  return file->Finish();
}

}  // namespace

ExportKeyCommand::ExportKeyCommand(CommandLine& line) : Command(AddTo(line)) {
  App()
      .add_option("--private", private_, "The private key to write (mode 0600); it must not exist")
      ->type_name("FILE")
      ->required();
  App()
      .add_option("--public", public_, "The public key to write; it must not exist")
      ->type_name("FILE")
      ->required();
}

int ExportKeyCommand::Run() const {
  const auto pair = MakeSealingKeys();
  if (!pair) {
    PrintError(pair.error());
    return kExitFailed;
  }
  // The private one first: a public key whose private key was never written must not get about.
  if (auto written = WriteKey(private_, kPrivateMode, pair->private_key); !written) {
    PrintError(written.error());
    return kExitFailed;
  }
  if (auto written = WriteKey(public_, kPublicMode, pair->public_key); !written) {
    PrintError(written.error());
    std::cerr << "tillwire-ingestd: " << private_
              << " was written and has no public key beside it; remove it\n";
    return kExitFailed;
  }
  const auto key = OpeningKey::FromPem(pair->private_key, private_);
  if (!key) {
    PrintError(key.error());
    return kExitFailed;
  }
  std::cout << "Wrote the pair of keys " << key->Fingerprint().ToHex().substr(0, 16) << ":\n  " << private_
            << "  private: stays here\n  " << public_ << "  public: for every terminal\n";
  return kExitDone;
}

}  // namespace tillwire
