// Maps of one and of three dimensions on paper, which has two.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/render/compose.h"

namespace latlas::cli {

/// A fitted map and rows placed into it as a figure can show them.
struct Views {
  Matrix map, placed;                               ///< n × 2; the caller's rows in three copies
                                                    ///< where the map has three dimensions.
  std::vector<std::int32_t> labels, placed_labels;  ///< Of these rows; none where there were none.
  struct Frame {
    double left = 0, right = 0, bottom = 0, top = 0;
  };
  std::vector<Frame> frames = {};  ///< Of several views: where each stands.
  int copies = 1;                  ///< How often each row is among them.
  bool to_scale = true;            ///< One unit is equally long on both axes.
  std::string how;                 ///< For the subtitle; empty for a plane.
};

/// Two dimensions stay as they are. Three are seen along each axis, as in a drawing of a machine:
/// the front (x, y), above it the top (x, z), beside it the side (z, y). One is a histogram whose
/// bars are piles of the points themselves, ordered by label. On a labeled map placed rows without
/// labels get −1, "none".
/// @param map, placed  n × d, m × d, d = 1, 2 or 3; m may be 0.
/// @throws InvalidArgument  beginning with `what`, for other numbers of columns.
Views views_of(ConstRows map, const std::vector<std::int32_t>& labels, ConstRows placed,
               const std::vector<std::int32_t>& placed_labels, const std::string& what);

/// A figure that is to show views: to their scale, several of them framed.
void fit_to(const Views& views, render::Figure& figure);
/// The map alone or with the rows placed into it, by class where there are labels. The figure
/// refers to the views.
render::Figure figure_of(const Views& views, const std::vector<std::string>& names,
                         render::ComposeOptions options);

/// Where the views show some of the placed rows, each in every copy.
/// @param placed  how many there are.
Matrix placed_at(const Views& views, std::int64_t placed, std::span<const std::int32_t> rows);

}  // namespace latlas::cli
