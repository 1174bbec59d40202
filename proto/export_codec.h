// The messages of an export file, between our own words (core/export_file.h) and bytes.
//
// Event bytes are moved, never re-encoded. Decoding checks form as proto/write_back_codec does.
#pragma once

#include <string>
#include <string_view>

#include "core/export_file.h"
#include "core/result.h"

namespace tillwire {

std::string EncodeExport(ExportMessage message);

// kInvalidArgument names the field; kFailedPrecondition: the header is of a newer format.
Result<ExportMessage> DecodeExport(std::string_view bytes);

}  // namespace tillwire
