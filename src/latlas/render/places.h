// Where names go in a map: the densest place of each category, and a spot nearby that no other
// name has taken.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latlas/render/canvas.h"

namespace latlas::render {

struct Place {
  int category = 0;
  std::int64_t count = 0;  ///< Points of the category.
  Point at;
};

/// For each category that has points, where it is densest: the cell that maximizes d_c² / d, where
/// d_c and d are the smoothed densities of the category and of all points; so of two equally dense
/// places the one wins that the category has to itself.
/// @param points    within `area`; others are left out.
/// @param category  of each point; negative: none (counts for d only).
std::vector<Place> densest_places(std::span<const Point> points,
                                  std::span<const std::int32_t> category, int categories,
                                  const Box& area);

struct Name {
  Box box;              ///< Of the text, with its margin.
  bool placed = false;  ///< false: no free spot within reach.
  bool moved = false;   ///< So far from its place that a line should lead there.
};

/// A box for each place, centered on it or as near as `area` and the other boxes allow; the
/// larger categories choose first.
/// @param sizes  width and height of each name's box.
std::vector<Name> place_names(std::span<const Place> places, std::span<const Point> sizes,
                              const Box& area);

}  // namespace latlas::render
