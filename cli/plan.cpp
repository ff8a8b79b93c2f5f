#include "cli/plan.h"

#include <algorithm>

#include "latlas/core/error.h"
#include "latlas/core/machine.h"
#include "latlas/core/parallel.h"

namespace latlas::cli {

Plan plan_figures(std::int64_t files, std::int64_t points, double dpi) {
  const double pixels = 80 * dpi * dpi;  // of 10 × 8 inches
  return {
      static_cast<double>(files) * (0.01 + 1.5e-8 * pixels + 2e-7 * static_cast<double>(points)),
      static_cast<std::int64_t>(12 * pixels) + points * 40};
}

bool fits(const Plan& plan) { return plan.bytes <= machine::available_memory(); }

void announce(const Plan& plan, const std::string& advice, Console& console,
              const std::string& more) {
  if (!fits(plan))
    throw WouldNotFit(sentence("this needs ", bytes_text(plan.bytes), " of memory, ",
                               bytes_text(machine::available_memory()), " are free; ", advice));
  console.say(sentence("plan        about ", seconds_text(std::max(plan.seconds, 0.1)), " and ",
                       bytes_text(plan.bytes), " on ", threads(),
                       threads() == 1 ? " thread" : " threads", more));
}

}  // namespace latlas::cli
