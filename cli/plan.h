// The plan of a job, said before it begins.
#pragma once

#include <cstdint>
#include <string>

#include "cli/console.h"
#include "latlas/core/plan.h"
#include "latlas/evaluate/plan.h"
#include "latlas/layout/plan.h"
#include "latlas/neighbors/plan.h"
#include "latlas/nn/plan.h"

namespace latlas::cli {

/// @param files   of one figure or several
/// @param points  in each
Plan plan_figures(std::int64_t files, std::int64_t points, double dpi);

/// Whether the memory that is free suffices.
bool fits(const Plan& plan);

/// Says the plan: "plan        about 21 s and 640 MB on 2 threads", and `more` after it. Throws
/// WouldNotFit, naming what would fit (`advice`), when memory does not suffice.
void announce(const Plan& plan, const std::string& advice, Console& console,
              const std::string& more = "");

}  // namespace latlas::cli
