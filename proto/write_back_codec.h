// The messages of the write-back stream, between our own words (core/write_back.h) and the wire's.
//
// Event bytes are moved, never re-encoded. Decoding checks form: lengths of hashes and ids, numbers from 1,
// ranges and batches that ascend; a failure is kInvalidArgument and names the field ("batch.records[3].hash
// has 20 bytes; ..."). An enum number that this version does not know decodes as kUnspecified.
#pragma once

#include "core/result.h"
#include "core/write_back.h"

namespace tillwire {

namespace v1 {
class Digest;
class WriteBackRequest;
class WriteBackResponse;
}  // namespace v1

// Replaces what `wire` held.
void EncodeToCentre(ToCentre message, v1::WriteBackRequest& wire);
void EncodeToAgent(ToAgent message, v1::WriteBackResponse& wire);

// Takes strings out of `wire`, which is of no further use. A limit in Welcome that is absent or 0 keeps its
// default; for the interval of digests that is "none".
Result<ToCentre> DecodeToCentre(v1::WriteBackRequest&& wire);
Result<ToAgent> DecodeToAgent(v1::WriteBackResponse&& wire);

// A digest by itself. Adds to `wire`.
void EncodeDigest(Digest digest, v1::Digest& wire);
Result<Digest> DecodeDigest(v1::Digest&& wire);

}  // namespace tillwire
