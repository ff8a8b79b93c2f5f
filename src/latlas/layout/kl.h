// Kullback–Leibler divergence of a map: how much of the affinities the map's own lose.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/layout/affinities.h"

namespace latlas {

struct KlParams {
  double degrees_of_freedom = 1;      ///< α of the map's kernel, as in the fit.
  std::int64_t exact_rows = 100'000;  ///< Up to here Z is summed over all pairs.
  std::int64_t sample_rows = 5'000;   ///< Above: rows whose pairs are summed; more lower the error.
  std::uint64_t seed = 0;             ///< Of the sample.
};
std::vector<Field> fields(KlParams& p);

struct Divergence {
  double value = 0;           ///< Nats; 0 is best.
  double standard_error = 0;  ///< Of the sampled normalizer; 0 where it is exact.
};

/// KL(P ‖ Q) = Σ_ij p_ij log(p_ij / q_ij), q_ij = (1 + |y_i − y_j|²/α)^(−α) / Z. The normalizer Z
/// runs over all pairs, or above `exact_rows` over all pairs of a seeded sample of rows, drawn with
/// replacement: an error of Z by a share e moves KL by e, since it enters as log Z.
/// @param map  n × d, any d ≥ 1.
/// @throws InvalidArgument  when the rows differ in number or the map holds NaN or infinity.
/// Cost: n² d / 2 multiply-adds and n² / 2 divisions (unless α = 1, powers), in parallel; sampled,
/// n · sample_rows of each.
Divergence kl_divergence(const Affinities& affinities, ConstRows map, const KlParams& params = {});

}  // namespace latlas
