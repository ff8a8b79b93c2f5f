#include "latlas/render/check.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "latlas/core/error.h"
#include "latlas/render/sheet.h"

namespace latlas::render {
namespace {

void check(const Points& p, std::size_t place, const std::vector<std::string>& names) {
  const std::string what = p.name.empty() ? sentence("figure: mark ", place, " (points)")
                                          : sentence("figure: points '", p.name, "'");
  const ConstRows at = p.at.view();
  require(at.rows() == 0 || at.cols() == 2, what, ": positions have ", at.cols(),
          " columns; a map has 2");
  const auto labels = p.labels.view();
  require(labels.empty() || static_cast<std::int64_t>(labels.size()) == at.rows(), what, ": ",
          labels.size(), " labels for ", at.rows(), " points");
  require(p.radius >= 0 && p.radius <= 1000 && p.opacity >= 0 && p.opacity <= 1, what, ": radius ",
          p.radius, " and opacity ", p.opacity,
          "; they must lie between 0 (automatic) and 1000, and between 0 (automatic) and 1");
  require_finite(at, what.c_str());
  const auto limit = static_cast<std::int32_t>(names.empty() ? kMaxCategories : names.size());
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < -1 || labels[i] >= limit)
      throw InvalidArgument(
          sentence(what, ": row ", i, " has label ", labels[i],
                   names.empty() ? sentence("; labels are −1 (none) to ", kMaxCategories - 1)
                                 : sentence(", but there are ", names.size(), " category names")));
}

void check_values(std::span<const double> values, const std::string& what, bool log) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    require(std::isfinite(values[i]), what, " is not a number at row ", i);
    require(!log || values[i] > 0, what, " is ", values[i], " at row ", i,
            "; a logarithmic axis needs values above 0");
  }
}

void check(const Line& l, std::size_t place, const Figure& f) {
  const std::string what = l.name.empty() ? sentence("figure: mark ", place, " (line)")
                                          : sentence("figure: line '", l.name, "'");
  require(l.x.size() == l.y.size(), what, ": ", l.x.size(), " values of x, ", l.y.size(), " of y");
  require(l.width > 0 && l.width <= 100, what, ": width ", l.width,
          "; it must be above 0 and at most 100 points");
  check_values(l.x, what + ": x", f.x.log);
  check_values(l.y, what + ": y", f.y.log);
}

void check(const Bars& b, std::size_t place, const Figure& f) {
  const std::string what = b.name.empty() ? sentence("figure: mark ", place, " (bars)")
                                          : sentence("figure: bars '", b.name, "'");
  check_values(b.heights, what + ": height", false);
  require(!f.y.log, what, " begin at 0, which a logarithmic axis does not have");
}

void check_axis(const Axis& axis, const char* what) {
  require((!axis.low || std::isfinite(*axis.low)) && (!axis.high || std::isfinite(*axis.high)),
          "figure: the range of the ", what, " axis is not finite");
  require(!axis.low || !axis.high || *axis.low < *axis.high, "figure: the ", what,
          " axis runs from ", axis.low.value_or(0), " to ", axis.high.value_or(0),
          "; the first must be the smaller");
  require(!axis.log || axis.low.value_or(1) > 0, "figure: the logarithmic ", what,
          " axis begins at ", axis.low.value_or(0), "; it must begin above 0");
}

}  // namespace

void check_size(double width, double height, double dpi) {
  require(std::max(width, height) * dpi <= kMaxPixels, "figure: ", width, " × ", height,
          " inches at ", dpi, " dpi are more than ", kMaxPixels, " pixels on a side");
  require(width * height * dpi * dpi <= kMaxArea, "figure: ", width, " × ", height, " inches at ",
          dpi, " dpi are ", std::floor(width * height * dpi * dpi / 1e6),
          " million pixels, at most 268 are drawn; lower the dpi or the size");
}

void check(const Figure& f, const DrawParams& params) {
  DrawParams checked = params;
  latlas::check(fields(checked), "draw");
  const bool automatic = f.sheet && f.height == 0;
  require(f.width >= 1 && f.width <= kMaxInches &&
              (automatic || (f.height >= 1 && f.height <= kMaxInches)),
          "figure: ", f.width, " × ", f.height, " inches; each side must be between 1 and ",
          kMaxInches);
  check_size(f.width, f.height, params.dpi);
  require(f.categories.size() <= kMaxCategories, "figure: ", f.categories.size(),
          " category names; at most ", kMaxCategories, " can be told apart, group the rest");
  check_axis(f.x, "x");
  check_axis(f.y, "y");
  for (std::size_t i = 0; i < f.marks.size(); ++i)
    std::visit(
        [&](const auto& mark) {
          using M = std::decay_t<decltype(mark)>;
          if constexpr (std::is_same_v<M, Points>) {
            check(mark, i, f.categories);
            if (f.x.log || f.y.log)
              for (std::int64_t row = 0; row < mark.at.view().rows(); ++row)
                require((!f.x.log || mark.at.view()(row, 0) > 0) &&
                            (!f.y.log || mark.at.view()(row, 1) > 0),
                        "figure: a point of row ", row,
                        " is not above 0, as a logarithmic axis needs");
          } else {
            check(mark, i, f);
          }
        },
        f.marks[i]);
  if (f.sheet) check(*f.sheet);
}

}  // namespace latlas::render
