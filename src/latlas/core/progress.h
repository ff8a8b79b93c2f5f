// Progress: how long work tells its host how far it is, and asks whether to go on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>

namespace latlas {

struct Report {
  std::string_view stage;  ///< What is being done, e.g. "training"; lives for the call only.
  std::int64_t step = 0;   ///< Steps done; 1 … of.
  std::int64_t of = 0;     ///< Steps in all, at most.
  double loss = std::numeric_limits<double>::quiet_NaN();  ///< NaN when there is none.
  double val_loss = std::numeric_limits<double>::quiet_NaN();
  double seconds = 0;  ///< Since the work began.
};

enum class Next { proceed, stop };

/// Called on the thread that started the work, between steps. `Next::stop` ends the work in good
/// order with what it has so far. An empty function is allowed and means "proceed".
using Progress = std::function<Next(const Report&)>;

inline bool wants_stop(const Progress& progress, const Report& report) {
  return progress && progress(report) == Next::stop;
}

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace latlas
