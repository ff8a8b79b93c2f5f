#include "cli/views.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "latlas/core/error.h"

namespace latlas::cli {
namespace {

struct Box {
  float low[3] = {}, high[3] = {};
};
Box box_of(ConstRows map, ConstRows placed) {
  Box box;
  bool first = true;
  for (const ConstRows rows : {map, placed})
    for (std::int64_t i = 0; i < rows.rows(); ++i, first = false)
      for (std::int64_t c = 0; c < rows.cols(); ++c) {
        box.low[c] = first ? rows(i, c) : std::min(box.low[c], rows(i, c));
        box.high[c] = first ? rows(i, c) : std::max(box.high[c], rows(i, c));
      }
  return box;
}

/// Between two views.
float gap_of(const Box& box) { return 0.1F * (box.high[0] - box.low[0]); }

// Front, top and side, one after another.
Matrix three_views(ConstRows map, const Box& box) {
  const float gap = gap_of(box);
  const std::int64_t n = map.rows();
  Matrix out(3 * n, 2);
  for (std::int64_t i = 0; i < n; ++i) {
    const float x = map(i, 0), y = map(i, 1), z = map(i, 2);
    out(i, 0) = x;
    out(i, 1) = y;
    out(n + i, 0) = x;
    out(n + i, 1) = box.high[1] + gap + (z - box.low[2]);
    out(2 * n + i, 0) = box.high[0] + gap + (z - box.low[2]);
    out(2 * n + i, 1) = y;
  }
  return out;
}

std::vector<Views::Frame> frames_of(const Box& box) {
  const double gap = gap_of(box), margin = 0.3 * gap;
  const double depth = static_cast<double>(box.high[2]) - box.low[2];
  const auto frame = [&](double left, double right, double bottom, double top) {
    return Views::Frame{left - margin, right + margin, bottom - margin, top + margin};
  };
  const double left = box.low[0], right = box.high[0], bottom = box.low[1], top = box.high[1];
  return {frame(left, right, bottom, top), frame(left, right, top + gap, top + gap + depth),
          frame(right + gap, right + gap + depth, bottom, top)};
}

std::vector<std::int32_t> thrice(const std::vector<std::int32_t>& labels) {
  std::vector<std::int32_t> out;
  for (int i = 0; i < 3; ++i) out.insert(out.end(), labels.begin(), labels.end());
  return out;
}

// A histogram of the points along the line: those of a bin in a pile, in the order of their labels.
Matrix piles(ConstRows map, const std::vector<std::int32_t>& labels, const Box& box) {
  constexpr std::int64_t kBins = 400;
  const std::int64_t n = map.rows();
  const auto width = static_cast<double>(box.high[0] - box.low[0]);
  const auto bin = [&](std::int64_t i) {
    const double u = width > 0 ? static_cast<double>(map(i, 0) - box.low[0]) / width : 0;
    return std::min(kBins - 1, static_cast<std::int64_t>(u * kBins));
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(n)), height(kBins);
  std::iota(order.begin(), order.end(), 0);
  if (!labels.empty())
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return labels[static_cast<std::size_t>(a)] < labels[static_cast<std::size_t>(b)];
    });
  Matrix out(n, 2);
  for (const std::int64_t i : order) {
    out(i, 0) = map(i, 0);
    out(i, 1) = static_cast<float>(++height[static_cast<std::size_t>(bin(i))]);
  }
  return out;
}

}  // namespace

Views views_of(ConstRows map, const std::vector<std::int32_t>& labels, ConstRows placed,
               const std::vector<std::int32_t>& given_labels, const std::string& what) {
  std::vector<std::int32_t> placed_labels = given_labels;
  if (!labels.empty() && given_labels.empty())
    placed_labels.assign(static_cast<std::size_t>(placed.rows()), -1);
  const std::int64_t d = map.cols();
  require(d >= 1 && d <= 3, what, ": has ", d,
          " columns; a map has 1, 2 or 3 (latlas map makes one from other rows)");
  require(placed.rows() == 0 || placed.cols() == d, what, ": has ", d,
          " columns, the rows placed into it have ", placed.cols());
  if (d == 2)
    return {.map = copy_of(map),
            .placed = copy_of(placed),
            .labels = labels,
            .placed_labels = placed_labels,
            .how = {}};
  const Box box = box_of(map, placed);
  if (d == 1)
    return {.map = piles(map, labels, box),
            .placed = piles(placed, placed_labels, box),
            .labels = labels,
            .placed_labels = placed_labels,
            .to_scale = false,
            .how = "points in piles along a line"};
  return {
      .map = three_views(map, box),
      .placed = placed.rows() > 0 ? three_views(placed, box) : Matrix(),
      .labels = thrice(labels),
      .placed_labels = thrice(placed_labels),
      .frames = frames_of(box),
      .copies = 3,
      .how =
          "one map in space seen from the front, above it from the top, beside it from the side"};
}

void fit_to(const Views& views, render::Figure& figure) {
  figure.equal_aspect = views.to_scale;
  for (const Views::Frame& f : views.frames)
    figure.marks.push_back(render::Line{.x = {f.left, f.right, f.right, f.left, f.left},
                                        .y = {f.bottom, f.bottom, f.top, f.top, f.bottom},
                                        .color = render::rgb(0x9aa4ae),
                                        .width = 0.6});
}

render::Figure figure_of(const Views& views, const std::vector<std::string>& names,
                         render::ComposeOptions options) {
  options.copies = views.copies;
  render::Figure figure =
      views.placed.empty()   ? render::scatter(views.map, views.labels, names, options)
      : views.labels.empty() ? render::scatter_train_test(views.map, views.placed, options)
                             : render::scatter_train_test(views.map, views.labels, views.placed,
                                                          views.placed_labels, names, options);
  fit_to(views, figure);
  return figure;
}

Matrix placed_at(const Views& views, std::int64_t placed, std::span<const std::int32_t> rows) {
  std::vector<std::int32_t> shown;
  for (int copy = 0; copy < views.copies; ++copy)
    for (const std::int32_t row : rows)
      shown.push_back(static_cast<std::int32_t>(copy * placed) + row);
  return copy_of(views.placed, shown);
}

}  // namespace latlas::cli
