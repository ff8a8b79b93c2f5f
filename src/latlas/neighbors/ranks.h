// Ranks: how many rows are nearer than a given one.
#pragma once

#include <cstdint>
#include <span>

#include "latlas/core/matrix.h"

namespace latlas {

/// rank(i, j): the place of row targets(i, j) when all rows of the data but rows[i] are ordered by
/// (distance from rows[i], index); 1 is nearest. Exact, with the distance of nearest_neighbors.
///
/// @param data     n × d, finite; n below 2^31.
/// @param rows     places in the data, each in [0, n).
/// @param targets  rows × t, places in the data, none of them rows[i] itself.
/// @return         rows × t, each in [1, n − 1].
/// Cost: rows · n · d multiply-adds; the same bits everywhere.
BasicMatrix<std::int32_t> ranks(ConstRows data, std::span<const std::int32_t> rows,
                                MatrixView<const std::int32_t> targets);

}  // namespace latlas
