// A search in rounds: blocks of rows on all threads, and between two rounds a report. Internal to
// the room.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "latlas/core/parallel.h"
#include "latlas/core/progress.h"
#include "latlas/neighbors/panels.h"

namespace latlas::scan {

/// Reports of stage "neighbors", with the seconds since it was made.
class Clock {
 public:
  explicit Clock(const Progress& progress) : progress_(progress) {}
  bool stops(std::int64_t step, std::int64_t of) const {
    return wants_stop(
        progress_,
        {.stage = "neighbors", .step = step, .of = of, .seconds = seconds_since(begin_)});
  }

 private:
  const Progress& progress_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Calls work(begin, end, worker) for every `block` of n rows; `worker` is what make() gave for the
/// thread. After a round `stops` hears how many rows are done.
/// @return  false when it said to stop.
template <class Make, class Stops, class Work>
bool in_rounds(std::int64_t n, const Make& make, const Stops& stops, const Work& work,
               std::int64_t block = kBlock) {
  const std::int64_t round = 64 * block;
  std::vector<decltype(make())> workers(static_cast<std::size_t>(threads()));  // unique pointers
  for (std::int64_t first = 0; first < n; first += round) {
    const std::int64_t last = std::min(n, first + round);
    parallel_for_worker(last - first, block, [&](std::int64_t begin, std::int64_t end, int id) {
      auto& worker = workers[static_cast<std::size_t>(id)];
      if (!worker) worker = make();
      work(first + begin, first + end, *worker);
    });
    if (stops(last)) return false;
  }
  return true;
}

}  // namespace latlas::scan
