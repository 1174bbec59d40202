// The flags of `tillwire cancel` and `tillwire clear-bin`, which are the contract's fields, one by one. What
// was given becomes the JSON of a CaptureEventRequest, so that flags and --json take the same way from there.
#pragma once

#include <CLI/CLI.hpp>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "platform/command_line/command_line.h"

namespace tillwire {

enum class CaptureKind { kCancellation, kBinClear };

class CaptureFlags {
 public:
  // Adds the flags to a command of `line`. Neither may outlive them.
  CaptureFlags(CommandLine& line, CLI::App& command, CaptureKind kind);

  // The name of a flag that was given; empty if none was.
  [[nodiscard]] std::string AnyGiven() const;

  // kInvalidArgument if a flag's value is malformed, or not UTF-8; the message names the flag.
  [[nodiscard]] Result<nlohmann::json> Document() const;

  // An error about a field of the document, as one about the flag that the field was given by.
  [[nodiscard]] Error InFlagTerms(Error error) const;

 private:
  // One flag: where in the document its values go, and the values.
  struct Flag {
    std::string pointer;
    CLI::Option* option = nullptr;
    std::vector<std::string> values;
    std::vector<std::string> choices;

    // "order_cancellation.order_id": the field, as messages about the document name it.
    [[nodiscard]] std::string Path() const;
  };

  [[nodiscard]] std::vector<const Flag*> All() const;
  void AddShared();
  void AddCancellation();
  void AddBinClear();
  Flag& AddText(const std::string& name, const std::string& pointer, const std::string& value,
                const std::string& help);
  // A text that is one of an enum's values; the help lists them.
  void AddEnum(const std::string& name, const std::string& pointer, const std::string& enum_name,
               const std::string& help);
  void AddList(const std::string& name, const std::string& pointer, const std::string& value,
               const std::string& help);
  void AddPairs(Flag& flag, const std::string& name, const std::string& pointer, const std::string& value,
                const std::string& help);
  [[nodiscard]] Result<void> CheckScope() const;
  [[nodiscard]] Result<void> AddLines(nlohmann::json& document) const;
  [[nodiscard]] Result<void> AddExternalIds(nlohmann::json& document) const;

  CommandLine& line_;
  CLI::App& command_;
  const std::string body_;  // the document's member for what happened
  std::deque<Flag> texts_;  // a deque, since options keep references into it
  std::deque<Flag> lists_;
  Flag external_ids_;
  Flag lines_;
  bool bin_empty_ = false;
};

}  // namespace tillwire
