#include "latlas/neighbors/cells.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "latlas/core/parallel.h"

namespace latlas::scan {
namespace {

constexpr double kUp = 1 + 0x1p-22;  // more than rounding to float32 takes away

}  // namespace

std::vector<std::int64_t> stage_ends(std::int64_t d) {
  constexpr std::int64_t kFirst = 8, kLeast = 4;  // columns of a stage
  std::vector<std::int64_t> ends;
  for (std::int64_t end = kFirst; end + kLeast <= d; end *= 2) ends.push_back(end);
  ends.push_back(d);
  return ends;
}

void rest_of(const float* x, const std::vector<std::int64_t>& ends, float* rest,
             std::int64_t step) {
  double square = 0;
  std::int64_t k = ends.back();
  for (std::int64_t s = static_cast<std::int64_t>(ends.size()); s-- > 0;) {
    while (k > ends[static_cast<std::size_t>(s)]) {
      --k;
      square += static_cast<double>(x[k]) * static_cast<double>(x[k]);
    }
    rest[s * step] = static_cast<float>(std::sqrt(square) * kUp);
  }
}

Cells cut(const Panels& panels) {
  const std::int64_t d = panels.cols(), cells = panels.groups * kCellsOfGroup;
  Cells c;
  c.ends = stage_ends(d);
  c.center = Matrix(cells, d);
  c.half_norm.assign(static_cast<std::size_t>(cells), std::numeric_limits<float>::infinity());
  c.radius.resize(static_cast<std::size_t>(cells));
  c.rest = Matrix(static_cast<std::int64_t>(c.ends.size()), cells * kCell);
  const std::int64_t step = c.rest.cols();
  parallel_for(cells, 24, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sum(static_cast<std::size_t>(d));
    std::vector<float> row(static_cast<std::size_t>(d));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i * kCell, count = std::min(kCell, panels.places() - first);
      if (count <= 0) continue;
      const float* panel = panels.panel(first);
      float* center = c.center.row(i);
      double half = 0, radius = 0, square[kCell] = {};
      for (std::int64_t k = 0; k < d; ++k) {
        double mean = 0;
        for (std::int64_t j = 0; j < count; ++j) mean += panel[k * kCell + j];
        center[k] = static_cast<float>(mean / static_cast<double>(count));
        const double middle = center[k];
        half += 0.5 * middle * middle;
        for (std::int64_t j = 0; j < count; ++j) {
          const double gap = panel[k * kCell + j] - middle;
          square[j] += gap * gap;
        }
      }
      for (const double s : square) radius = std::max(radius, std::sqrt(s));
      c.half_norm[static_cast<std::size_t>(i)] = static_cast<float>(half);
      c.radius[static_cast<std::size_t>(i)] = static_cast<float>(radius * kUp);
      for (std::int64_t j = 0; j < count; ++j) {
        for (std::int64_t k = 0; k < d; ++k)
          row[static_cast<std::size_t>(k)] = panel[k * kCell + j];
        rest_of(row.data(), c.ends, c.rest.data() + first + j, step);
      }
    }
  });
  for (const float r : c.radius) c.widest = std::max(c.widest, static_cast<double>(r));
  return c;
}

}  // namespace latlas::scan
