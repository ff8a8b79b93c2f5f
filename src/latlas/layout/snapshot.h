// Snapshots: the map on its way, for who wants to watch a fit.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>

#include "latlas/core/matrix.h"
#include "latlas/core/progress.h"

namespace latlas {

struct Snapshot {
  std::int64_t iteration = 0;                            ///< Done when the map looked like this.
  double kl = std::numeric_limits<double>::quiet_NaN();  ///< Of this map; NaN where there is none.
  ConstRows map = {};  ///< n × dimensions, in the caller's order; lives for the call only.
};

/// Called between two iterations on the thread that started the fit; Next::stop ends the fit in
/// good order, as progress does.
struct Snapshots {
  std::int64_t every = 0;  ///< Iterations from one to the next; 0: none.
  std::function<Next(const Snapshot&)> show = {};

  bool due(std::int64_t iteration) const {
    return every > 0 && show && iteration > 0 && iteration % every == 0;
  }
};

}  // namespace latlas
