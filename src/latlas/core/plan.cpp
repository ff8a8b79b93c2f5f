#include "latlas/core/plan.h"

#include <algorithm>
#include <thread>

#include "latlas/core/machine.h"
#include "latlas/core/parallel.h"

namespace latlas {

Plan& Plan::operator+=(const Plan& other) {
  seconds += other.seconds;
  bytes = std::max(bytes, other.bytes);
  return *this;
}

double machine_rate() {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return machine::multiply_add_rate() * std::min(threads(), cores);
}

std::int64_t whole_bytes(double bytes) { return static_cast<std::int64_t>(std::min(bytes, 9e18)); }

}  // namespace latlas
