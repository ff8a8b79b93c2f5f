// Where a layout begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/layout/symmetric.h"

namespace latlas {

struct Start {
  Matrix places;                   ///< n × columns; the unit is arbitrary.
  std::vector<std::string> notes;  ///< Where another start took its place, one sentence each.
};

/// The first principal components of the rows; columns of zeros where there are fewer.
Matrix pca_start(ConstRows rows, std::int64_t columns);

/// Normal numbers, each at the address of its place.
Matrix random_start(std::int64_t n, std::int64_t columns, std::uint64_t seed);

/// The largest deviation of the first columns.
double largest_deviation(ConstRows places, std::int64_t columns);

/// A start by name: "pca" of the rows; "spectral": the slowest waves over the graph, or, where it
/// falls apart or they are not found, "pca" with a note; "random".
/// @param graph  of the rows' affinities; read for "spectral" alone.
/// @throws InvalidArgument  for another name, or when the graph has another number of rows.
Start make_start(const std::string& name, ConstRows rows, const Affinities& graph,
                 std::int64_t columns, std::uint64_t seed);

}  // namespace latlas
