// Where the build put the programs under test.
#pragma once

namespace tillwire {

inline constexpr char kTillwiredProgram[] = TILLWIRED_PROGRAM;
inline constexpr char kTillwireProgram[] = TILLWIRE_PROGRAM;
inline constexpr char kIngestdProgram[] = TILLWIRE_INGESTD_PROGRAM;
// tillwired with a probe for crash tests, which can also be told to lose a capture.
inline constexpr char kProbedAgentProgram[] = TILLWIRED_PROBED_PROGRAM;
// The service of tillwire-ingestd with a probe for crash tests.
inline constexpr char kProbedCentreProgram[] = TILLWIRE_INGESTD_PROBED_PROGRAM;

}  // namespace tillwire
