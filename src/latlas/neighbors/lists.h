// What comes before a search and after it: rows checked and scaled, lists of distinct rows
// expanded. Internal to the room.
#pragma once

#include <cstdint>
#include <span>

#include "latlas/core/matrix.h"
#include "latlas/neighbors/duplicates.h"
#include "latlas/neighbors/exact.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas::scan {

/// Throws InvalidArgument for rows that are too many or too wide, NaN and infinity.
void check_rows(ConstRows rows, const char* what);

/// Throws InvalidArgument for parameters out of range, k ≥ n, rows that are too many or too wide,
/// NaN and infinity.
void check_search(ConstRows data, const NeighborsParams& params);
/// The same for queries that are not rows of the data: k ≤ n suffices, columns must agree.
void check_search(ConstRows queries, ConstRows data, const NeighborsParams& params);

/// From distances of unit rows to 1 − cos, which is half their square.
void to_cosine(Neighbors& graph);

constexpr std::int32_t kNone = -1;

/// From lists of distinct rows to lists of k rows: each stands for all its equals, of which `self`
/// (a row or kNone) is left out. Rows at equal distance come by index, also across sets of equals.
void expand(std::span<const std::int32_t> index, std::span<const float> distance,
            const Distinct& distinct, std::int32_t self, std::span<std::int32_t> index_out,
            std::span<float> distance_out);

}  // namespace latlas::scan
