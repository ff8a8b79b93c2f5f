// Aligned fits of a sequence: the same rows at several times, e.g. the latents of the epochs of a
// training, in maps between which rows move no more than they have reason to.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/layout/tsne.h"

namespace latlas {

struct AlignedParams {
  /// Pull of a map towards its neighbor in time: the fit minimizes KL + 2 alignment / n · Σ |y_i −
  /// a_i|² / R², a_i: the row's place in the neighbor, R²: mean square distance of these from their
  /// center. Larger is calmer, and leaves each map a worse KL. 0: none.
  double alignment = 1;
};
std::vector<Field> fields(AlignedParams& p);

/// What is known of one step of the sequence.
struct AlignedResult {
  std::vector<TsneResult> maps;  ///< One a step, in the order of time; fewer when stopped.
  std::vector<double> moved;     ///< Root of the mean squared move of the rows from map to map.
};

/// The affinities of step t, made when they are needed.
using AffinitiesAt = std::function<Affinities(std::int64_t step)>;

/// Lays out a sequence. The last step is laid out by itself, from `start`, and is the same map that
/// tsne() gives. Each earlier one begins where its successor stands (keep_start) and is pulled
/// towards it. So the last map, the one that is looked at most, pays nothing, and a cluster that
/// forms is seen to come from where its rows will be.
/// @param steps     ≥ 1.
/// @param start     as for tsne(), of the last step's rows.
/// @param progress  as for tsne(), with steps counted over the whole sequence; may stop, and the
/// maps
///                  done so far (of the last steps) are returned.
/// @throws InvalidArgument  as tsne() does, or when the steps have different numbers of rows.
/// @param finished  hears of each map as it is done, so that it can be kept.
AlignedResult aligned_tsne(
    std::int64_t steps, const AffinitiesAt& affinities, ConstRows start,
    const TsneParams& params = {}, const AlignedParams& aligned = {}, const Progress& progress = {},
    const std::function<void(std::int64_t step, const TsneResult& map)>& finished = {});

}  // namespace latlas
