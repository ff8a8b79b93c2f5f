#include "latlas/render/places.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "latlas/core/math.h"

namespace latlas::render {
namespace {

constexpr std::int64_t kFew = 12;
constexpr double kCell = 6;  // points: about half the height of a name

/// Whole numbers on the cells of an area.
struct Grid {
  int columns, rows;
  std::vector<std::int64_t> values;
  Grid(int c, int r) : columns(c), rows(r), values(static_cast<std::size_t>(c) * r, 0) {}
  std::int64_t& at(int column, int row) {
    return values[static_cast<std::size_t>(row) * columns + column];
  }
};

/// Binomial smoothing, 1 4 6 4 1 on each axis, twice: a bell of two cells' deviation, ×65536.
void smooth(Grid& grid) {
  std::vector<std::int64_t> line;
  const auto pass = [&](int count, auto&& value) {
    line.assign(static_cast<std::size_t>(count) + 4, 0);
    for (int i = 0; i < count; ++i) line[static_cast<std::size_t>(i) + 2] = value(i);
    for (int i = 0; i < count; ++i) {
      const std::int64_t* v = line.data() + i;
      value(i) = v[0] + 4 * v[1] + 6 * v[2] + 4 * v[3] + v[4];
    }
  };
  for (int twice = 0; twice < 2; ++twice) {
    for (int row = 0; row < grid.rows; ++row)
      pass(grid.columns, [&](int i) -> std::int64_t& { return grid.at(i, row); });
    for (int column = 0; column < grid.columns; ++column)
      pass(grid.rows, [&](int i) -> std::int64_t& { return grid.at(column, i); });
  }
}

}  // namespace

std::vector<Place> densest_places(std::span<const Point> points,
                                  std::span<const std::int32_t> category, int categories,
                                  const Box& area) {
  const int columns = std::max(1, static_cast<int>(std::ceil(area.width() / kCell)));
  const int rows = std::max(1, static_cast<int>(std::ceil(area.height() / kCell)));
  const auto cell_of = [&](const Point& p) {
    const int column = static_cast<int>((p.x - area.left) / kCell);
    const int row = static_cast<int>((p.y - area.top) / kCell);
    return std::clamp(row, 0, rows - 1) * columns + std::clamp(column, 0, columns - 1);
  };
  const auto inside = [&](const Point& p) {
    return p.x >= area.left && p.x <= area.right && p.y >= area.top && p.y <= area.bottom;
  };

  // Points by category, so that each is looked at once.
  std::vector<std::int64_t> begin(static_cast<std::size_t>(categories) + 1, 0);
  Grid all(columns, rows);
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!inside(points[i])) continue;
    ++all.values[static_cast<std::size_t>(cell_of(points[i]))];
    if (category[i] >= 0) ++begin[static_cast<std::size_t>(category[i]) + 1];
  }
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::int32_t> cells(static_cast<std::size_t>(begin.back()));
  std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
  for (std::size_t i = 0; i < points.size(); ++i)
    if (category[i] >= 0 && inside(points[i]))
      cells[static_cast<std::size_t>(next[static_cast<std::size_t>(category[i])]++)] =
          cell_of(points[i]);
  smooth(all);

  std::vector<Place> places;
  for (int c = 0; c < categories; ++c) {
    const auto first = begin[static_cast<std::size_t>(c)];
    const auto last = begin[static_cast<std::size_t>(c) + 1];
    if (first == last) continue;
    Grid own(columns, rows);
    for (auto i = first; i < last; ++i)
      ++own.values[static_cast<std::size_t>(cells[static_cast<std::size_t>(i)])];
    smooth(own);
    double best = -1;
    std::size_t cell = 0;
    for (std::size_t i = 0; i < own.values.size(); ++i) {
      if (own.values[i] == 0) continue;
      const auto d = static_cast<double>(own.values[i]);
      const double score = d * (d / static_cast<double>(all.values[i]));
      if (score > best) {
        best = score;
        cell = i;
      }
    }
    const auto column = static_cast<double>(cell % static_cast<std::size_t>(columns));
    const auto row = static_cast<double>(cell / static_cast<std::size_t>(columns));
    places.push_back({c,
                      last - first,
                      {std::min(area.left + (column + 0.5) * kCell, area.right),
                       std::min(area.top + (row + 0.5) * kCell, area.bottom)}});
  }
  return places;
}

std::vector<Name> place_names(std::span<const Place> places, std::span<const Point> sizes,
                              const Box& area) {
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return places[a].count > places[b].count; });

  std::vector<Name> names(places.size());
  for (const std::size_t i : order) {
    const Point size = sizes[i];
    const auto box_at = [&](double x, double y) {  // pushed back into the area
      x = std::max(area.left + size.x / 2, std::min(x, area.right - size.x / 2));
      y = std::max(area.top + size.y / 2, std::min(y, area.bottom - size.y / 2));
      return Box{x - size.x / 2, y - size.y / 2, x + size.x / 2, y + size.y / 2};
    };
    // Rings of candidates around the place, half a name's height apart. A name would hide a few
    // lonely points, so it begins beside them.
    const int first = places[i].count <= kFew ? 3 : 0;
    for (int ring = first; ring <= 24 && !names[i].placed; ++ring) {
      const int candidates = ring == 0 ? 1 : 8 + 4 * ring;
      for (int k = 0; k < candidates && !names[i].placed; ++k) {
        const auto turn = math::sincos_turn(static_cast<double>(k) / candidates - 0.25);
        const double reach = ring * size.y / 2;
        const Box box =
            box_at(places[i].at.x + reach * turn.cos, places[i].at.y + reach * turn.sin);
        const bool taken = std::any_of(names.begin(), names.end(), [&](const Name& other) {
          return other.placed && other.box.meets(box);
        });
        if (!taken) names[i] = {box, true, ring > first + 3};
      }
    }
  }
  return names;
}

}  // namespace latlas::render
