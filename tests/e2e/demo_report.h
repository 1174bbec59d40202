// The demo's table.
#pragma once

#include "tests/e2e/demo_scenario.h"

namespace tillwire {

// To standard output.
void PrintReport(const DemoOutcome& outcome);

}  // namespace tillwire
