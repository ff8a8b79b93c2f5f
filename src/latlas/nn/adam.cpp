#include "latlas/nn/adam.h"

#include <cmath>

#include "latlas/core/math.h"

namespace latlas {

AdamStep adam_step(const AdamParams& p, std::int64_t t, double scale) {
  // β^t, and 0 for β = 0, which has no logarithm.
  const auto power = [t](double beta) {
    return beta > 0 ? math::pow(beta, static_cast<double>(t)) : 0.0;
  };
  return {
      static_cast<float>(p.learning_rate * std::sqrt(1 - power(p.beta2)) / (1 - power(p.beta1))),
      static_cast<float>(p.beta1),
      static_cast<float>(1 - p.beta1),
      static_cast<float>(p.beta2),
      static_cast<float>(1 - p.beta2),
      static_cast<float>(p.epsilon),
      static_cast<float>(scale)};
}

}  // namespace latlas
