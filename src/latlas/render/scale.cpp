#include "latlas/render/scale.h"

#include <algorithm>
#include <cmath>

namespace latlas::render {

std::pair<Range, Range> ranges_of(const std::vector<Mark>& marks) {
  Range x, y;
  for (const Mark& mark : marks) {
    if (const auto* p = std::get_if<Points>(&mark)) {
      const ConstRows at = p->at.view();
      for (std::int64_t i = 0; i < at.rows(); ++i) {
        x.add(at(i, 0));
        y.add(at(i, 1));
      }
    } else if (const auto* l = std::get_if<Line>(&mark)) {
      for (const double value : l->x) x.add(value);
      for (const double value : l->y) y.add(value);
    } else if (const auto* b = std::get_if<Bars>(&mark)) {
      if (b->heights.empty()) continue;
      x.add(0.4);
      x.add(static_cast<double>(b->heights.size()) + 0.6);
      y.add(0);
      for (const double value : b->heights) y.add(value);
    }
  }
  return {x, y};
}

std::pair<double, double> with_margin(Range r, const Axis& axis, double share) {
  if (r.empty()) r = axis.log ? Range{1, 10} : Range{0, 1};
  if (axis.zero && !axis.log) r.add(0);
  if (axis.log) {
    double factor = math::exp(math::log(r.high / r.low) * share);
    if (r.low == r.high) factor = 2;
    r = {r.low / factor, r.high * factor};
  } else {
    double margin = (r.high - r.low) * share;
    if (r.low == r.high) margin = std::max(1.0, std::abs(r.low) * 0.05);
    const bool stands_on_zero = axis.zero && r.low == 0;
    r = {stands_on_zero ? 0 : r.low - margin, r.high + margin};
  }
  double low = axis.low.value_or(r.low), high = axis.high.value_or(r.high);
  if (!(low < high)) (axis.low ? high : low) = axis.low ? low + 1 : high - 1;
  return {low, high};
}

}  // namespace latlas::render
