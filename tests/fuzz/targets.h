// What is fuzzed: each target takes any bytes, hands them to the product as they would come from outside, and
// throws where the product did not do what it must. A fault that the product throws itself counts as well.
// Whatever a target decides it takes from its input, so that an input repeats what it did.
#pragma once

#include <array>
#include <string_view>

namespace tillwire::fuzz {

// A CaptureEventRequest as JSON, from `tillwire --json` or a spool file.
void FuzzCaptureJson(std::string_view input);
// A CaptureEventRequest's bytes, from the socket.
void FuzzCaptureProto(std::string_view input);
// A file that somebody dropped: its name up to the first line end, then its content.
void FuzzSpoolFile(std::string_view input);
// What a terminal sends the centre: a sequence of messages, some made of a real history (see to_centre.cc).
void FuzzToCentre(std::string_view input);
// What a centre sends a terminal, and what else happens there meanwhile (see to_agent.cc).
void FuzzToAgent(std::string_view input);
// The outbox's files, as a list of changes to those of a real one (see outbox_file.cc).
void FuzzOutboxFile(std::string_view input);
// A file that a terminal's events travel on, by its content or as edits to it (see export_file.cc).
void FuzzExportFile(std::string_view input);
// The configuration file of either program.
void FuzzConfiguration(std::string_view input);

struct Target {
  const char* name;  // of its folder in corpus/ and regressions/
  void (*run)(std::string_view input);
};

inline constexpr std::array<Target, 8> kTargets = {{
    {"capture_json", FuzzCaptureJson},
    {"capture_proto", FuzzCaptureProto},
    {"spool_file", FuzzSpoolFile},
    {"to_centre", FuzzToCentre},
    {"to_agent", FuzzToAgent},
    {"outbox_file", FuzzOutboxFile},
    {"export_file", FuzzExportFile},
    {"configuration", FuzzConfiguration},
}};

}  // namespace tillwire::fuzz
