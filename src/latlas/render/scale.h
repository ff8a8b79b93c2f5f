// Scales: from values to places on paper.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "latlas/core/math.h"
#include "latlas/render/figure.h"

namespace latlas::render {

/// From a value to a place on paper, linear or logarithmic.
struct Scale {
  double low = 0, high = 1;  // values at `from` and `to`
  double from = 0, to = 1;
  bool log = false;
  double operator()(double value) const {
    const double a = log ? math::log(low) : low, b = log ? math::log(high) : high;
    return from + ((log ? math::log(value) : value) - a) / (b - a) * (to - from);
  }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

/// What the marks span on both axes; bars reach from 0, and from 0.4 to n + 0.6.
std::pair<Range, Range> ranges_of(const std::vector<Mark>& marks);

/// The axis's range: what it asks for, else the data's with a margin of `share` on both sides.
std::pair<double, double> with_margin(Range range, const Axis& axis, double share);

}  // namespace latlas::render
