// Kullback–Leibler divergence of a map: how much of the affinities the map's own lose.
#pragma once

#include "latlas/core/matrix.h"
#include "latlas/layout/affinities.h"

namespace latlas {

/// KL(P ‖ Q) = Σ_ij p_ij log(p_ij / q_ij), q_ij = (1 + |y_i − y_j|²)⁻¹ / Z, with the exact
/// normalizer Z over all pairs. In nats, ≥ 0, lower is better.
/// @param map  n × d, any d ≥ 1.
/// @throws InvalidArgument  when the rows differ in number or the map holds NaN or infinity.
/// Cost: n² d / 2 multiply-adds and n² / 2 divisions, in parallel.
double kl_divergence(const Affinities& affinities, ConstRows map);

}  // namespace latlas
